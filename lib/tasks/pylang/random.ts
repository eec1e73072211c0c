import { PyError } from './error.ts';
import { MersenneTwister } from './twister.ts';
import { narrow } from './value.ts';

/** CPython's `random.Random(seed)` for integer seeds: the same numbers, draw by draw (CPython 3.11, Lib/random.py). */
export class PyRandom {
  readonly #twister: MersenneTwister;

  constructor(seed: number | bigint) {
    this.#twister = new MersenneTwister(seed);
  }

  /** The next float in [0, 1), 53 bits. */
  random(): number {
    const high = this.#twister.next() >>> 5;
    const low = this.#twister.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** An int of so many random bits. */
  getrandbits(bits: number): number | bigint {
    if (!Number.isSafeInteger(bits) || bits < 0) {
      throw new PyError('ValueError', 'number of bits must be non-negative');
    }
    if (bits === 0) return 0;
    if (bits <= 32) return this.#twister.next() >>> (32 - bits);
    let value = 0n;
    for (let shift = 0; shift < bits; shift += 32) {
      const word = this.#twister.next() >>> Math.max(0, 32 - (bits - shift));
      value |= BigInt(word) << BigInt(shift);
    }
    return narrow(value);
  }

  /** An int in [0, n), n from 1 to 2^53 - 1. */
  randbelow(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new PyError('ValueError', `empty range of size ${n}`);
    const bits = n.toString(2).length;
    let value = Number(this.getrandbits(bits));
    while (value >= n) value = Number(this.getrandbits(bits));
    return value;
  }

  /** `randrange(stop)`, `randrange(start, stop)`, `randrange(start, stop, step)`. */
  randrange(start: number, stop?: number, step = 1): number {
    if (stop === undefined) return this.randbelow(start);
    if (step === 0) throw new PyError('ValueError', 'zero step for randrange()');
    return start + step * this.randbelow(Math.ceil((stop - start) / step));
  }

  /** An int in [low, high], both ends included. */
  randint(low: number, high: number): number {
    return this.randrange(low, high + 1);
  }

  choice<T>(items: readonly T[]): T {
    return at(items, this.randbelow(items.length));
  }

  /** In place. */
  shuffle<T>(items: T[]): void {
    for (let last = items.length - 1; last >= 1; last -= 1) {
      const other = this.randbelow(last + 1);
      const item = at(items, last);
      items[last] = at(items, other);
      items[other] = item;
    }
  }

  /** k distinct items in the order of their drawing; PyError(ValueError) when k exceeds the population. */
  sample<T>(population: readonly T[], k: number): T[] {
    const n = population.length;
    if (!Number.isSafeInteger(k) || k < 0 || k > n) {
      throw new PyError('ValueError', 'Sample larger than population or is negative');
    }
    // CPython keeps a set instead of a copied pool when the set is the smaller of the two.
    const setSize = k > 5 ? 21 + 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 21;
    return n <= setSize ? this.#samplePool(population, k) : this.#sampleSet(population, k);
  }

  /** k items with replacement (`random.choices` without weights). */
  choices<T>(population: readonly T[], k: number): T[] {
    if (population.length === 0) throw new PyError('IndexError', 'Cannot choose from an empty population');
    return Array.from({ length: k }, () => at(population, Math.floor(this.random() * population.length)));
  }

  #samplePool<T>(population: readonly T[], k: number): T[] {
    const pool = [...population];
    return Array.from({ length: k }, (_, drawn) => {
      const left = pool.length - drawn;
      const chosen = this.randbelow(left);
      const item = at(pool, chosen);
      pool[chosen] = at(pool, left - 1);
      return item;
    });
  }

  #sampleSet<T>(population: readonly T[], k: number): T[] {
    const selected = new Set<number>();
    return Array.from({ length: k }, () => {
      let chosen = this.randbelow(population.length);
      while (selected.has(chosen)) chosen = this.randbelow(population.length);
      selected.add(chosen);
      return at(population, chosen);
    });
  }
}

// The caller stays within the bounds, so an item that is undefined is the population's own.
function at<T>(items: readonly T[], index: number): T {
  return items[index] as T;
}
