import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PreparedDoc, PreparedRequest } from '@assay/lib/domain';
import { cutShards, shardSize, type Cut } from './windows.ts';

const settings = { until: [], maxTokens: 16, temperature: 0, extra: {} };
const doc = (id: number): PreparedDoc => ({
  doc: id,
  json: '{}',
  target: '',
  gold: [],
  hashes: { doc: '', prompt: '', target: '' },
});
const request = (chars: number): PreparedRequest => ({
  type: 'generate',
  prompt: 'x'.repeat(chars),
  settings,
});

async function cut(docs: number, repeats: number, charsOf: (id: number) => number): Promise<Cut[]> {
  async function* items() {
    for (let id = 0; id < docs; id += 1) yield { request: request(charsOf(id)), doc: doc(id) };
  }
  const cuts: Cut[] = [];
  for await (const one of cutShards(items(), { docs, repeats })) cuts.push(one);
  return cuts;
}

const task = fc.record({
  docs: fc.integer({ min: 1, max: 3_000 }),
  repeats: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 9 })),
  salt: fc.integer({ min: 1, max: 97 }),
});

describe('cutting a task into shards', () => {
  it('puts every sample into one shard, of at most 256', async () => {
    await fc.assert(
      fc.asyncProperty(task, async ({ docs, repeats, salt }) => {
        const cuts = await cut(docs, repeats, (id) => (id * salt) % 101);
        const seen = new Set<string>();
        for (const { units, samples } of cuts) {
          expect(samples).toBe(units.reduce((sum, unit) => sum + unit.repeats.length, 0));
          expect(samples).toBeLessThanOrEqual(256);
          for (const unit of units) for (const repeat of unit.repeats) seen.add(`${unit.doc.doc}.${repeat}`);
        }
        expect(seen.size).toBe(docs * repeats);
        expect(cuts.reduce((sum, { samples }) => sum + samples, 0)).toBe(docs * repeats);
      }),
      { numRuns: 30 },
    );
  });

  it('never mixes buckets', async () => {
    const cuts = await cut(10_050, 1, () => 5);
    for (const { bucket, units } of cuts) {
      expect(units.every((unit) => Math.floor(unit.doc.doc / 10_000) === bucket)).toBe(true);
    }
    expect(new Set(cuts.map(({ bucket }) => bucket))).toEqual(new Set([0, 1]));
  });

  it('puts the longest of a window first', async () => {
    const cuts = await cut(500, 1, (id) => (id * 37) % 211);
    const lengths = cuts.flatMap(({ units }) => units.map((unit) => unit.expectedChars));
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
  });

  it('makes shards of at least 32 wherever the task has as many', async () => {
    const cuts = await cut(1_319, 1, (id) => id);
    expect(Math.min(...cuts.map(({ samples }) => samples))).toBeGreaterThanOrEqual(32);
  });

  it('splits a document with more repeats than a shard holds', async () => {
    const cuts = await cut(1, 600, () => 5);
    expect(cuts.map(({ samples }) => samples)).toEqual([256, 256, 88]);
  });

  it('sizes shards by the task alone', () => {
    expect([1, 1_319, 2_000, 4_000, 20_000, 1_000_000].map(shardSize)).toEqual([32, 32, 64, 128, 256, 256]);
  });
});
