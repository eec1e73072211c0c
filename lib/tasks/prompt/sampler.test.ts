import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PyDict } from '../pylang/index.ts';
import { createSampler } from './sampler.ts';

const pool = (size: number): PyDict[] => Array.from({ length: size }, (_, id) => new Map([['id', id]]));
const ids = (docs: readonly PyDict[]) => docs.map((doc) => doc.get('id'));

describe('createSampler', () => {
  it('draws as CPython does, one generator for all documents', () => {
    const sampler = createSampler('default', pool(30), 3, 1234);
    expect([sampler.draw(), sampler.draw(), sampler.draw()].map(ids)).toEqual([
      [24, 14, 3],
      [0, 2, 29],
      [25, 18, 1],
    ]);
  });

  it('draws one more when the evaluated document is kept out', () => {
    const docs = pool(30);
    const sampler = createSampler('default', docs, 3, 1234);
    expect(docs.slice(0, 3).map((doc) => ids(sampler.draw(doc)))).toEqual([
      [24, 14, 3],
      [2, 29, 25],
      [1, 21, 22],
    ]);
  });

  it('draws again from the others when copies of the evaluated document leave too few', () => {
    const docs = [...pool(2), ...pool(2).slice(0, 1), ...pool(1), ...pool(1)];
    const sampler = createSampler('default', [...docs, new Map([['id', 7]])], 2, 1);
    for (let turn = 0; turn < 20; turn += 1) {
      expect(ids(sampler.draw(new Map([['id', 0]]))).sort()).toEqual([1, 7]);
    }
  });

  it('takes the first others, in order', () => {
    const docs = pool(5);
    const sampler = createSampler('first_n', docs, 3, 1);
    expect(ids(sampler.draw())).toEqual([0, 1, 2]);
    expect(ids(sampler.draw(docs[1]))).toEqual([0, 2, 3]);
  });

  it('says when the pool has too few others', () => {
    const same = [...pool(1), ...pool(1), ...pool(1)];
    expect(() => createSampler('first_n', same, 2, 1).draw(same[0])).toThrow('besides the evaluated one');
    expect(() => createSampler('default', same, 2, 1).draw(same[0])).toThrow('besides the evaluated one');
  });

  it('never gives a document as its own shot, nor one twice', () => {
    const sizes = fc.tuple(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 1, max: 8 }), fc.nat());
    fc.assert(
      fc.property(
        sizes,
        fc.constantFrom('default' as const, 'first_n' as const),
        ([size, count, seed], kind) => {
          fc.pre(count < size);
          const docs = pool(size);
          const sampler = createSampler(kind, docs, count, seed);
          for (const doc of docs) {
            const shots = ids(sampler.draw(doc));
            expect(new Set(shots).size).toBe(count);
            expect(shots).not.toContain(doc.get('id'));
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
