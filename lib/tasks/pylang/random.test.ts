import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PyError, PyRandom } from './index.ts';

// Written by CPython 3.11's random.Random(seed), the draws in the order of the test.
interface Draws {
  seed: string;
  random: number[];
  bits: string[];
  range: number[];
  shuffle: number[];
  choice: string;
  choices: number[];
  sample: [n: number, k: number, first: number[], second: number[]][];
  late: number;
}
const rows = JSON.parse(readFileSync(new URL('./random.vectors.json', import.meta.url), 'utf8')) as Draws[];

describe('PyRandom as CPython draws', () => {
  it.each(rows)('seed $seed', (row) => {
    const random = new PyRandom(BigInt(row.seed));
    expect(row.random.map(() => random.random())).toEqual(row.random);
    expect([1, 5, 31, 32, 33, 53, 64, 100].map((bits) => String(random.getrandbits(bits)))).toEqual(row.bits);
    const ranges = [random.randrange(10), random.randrange(5, 50), random.randrange(0, 100, 7)];
    ranges.push(random.randrange(10, 0, -3), random.randint(1, 6), random.randrange(2 ** 40));
    expect(ranges).toEqual(row.range);
    const shuffled = upTo(12);
    random.shuffle(shuffled);
    expect(shuffled).toEqual(row.shuffle);
    expect(random.choice([...'abcdef'])).toBe(row.choice);
    expect(random.choices(upTo(100), 5)).toEqual(row.choices);
    for (const [n, k, first, second] of row.sample) {
      expect(random.sample(upTo(n), k)).toEqual(first);
      expect(random.sample(upTo(n), k)).toEqual(second);
    }
    for (let skipped = 0; skipped < 700; skipped += 1) random.random();
    expect(random.random()).toBe(row.late);
  });

  it('takes a seed as a number too', () => {
    expect(new PyRandom(1234).sample(upTo(10), 5)).toEqual([7, 1, 0, 9, 4]);
  });

  it('samples distinct items of the population', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(300), fc.nat(300), (seed, n, k) => {
        const drawn = new PyRandom(seed).sample(upTo(n), Math.min(n, k));
        expect(new Set(drawn).size).toBe(Math.min(n, k));
        expect(drawn.every((item) => item < n)).toBe(true);
      }),
    );
  });

  it('refuses a sample larger than the population', () => {
    expect(() => new PyRandom(1).sample([1, 2], 3)).toThrow(PyError);
    expect(() => new PyRandom(1).choice([])).toThrow(PyError);
  });
});

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index);
}
