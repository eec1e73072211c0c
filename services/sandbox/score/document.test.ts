import type { Generation } from '@assay/lib/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Generations } from '../ports.ts';
import { docsOf, EXACT, generation, inline, preparedDoc, shard } from '../testing/builders.ts';
import { scoreGeneration } from './document.ts';
import { Siblings } from './siblings.ts';

/** A ledger in memory that counts how often it is asked. */
function ledger(stored: readonly Generation[]): Generations & { asked: number } {
  return {
    asked: 0,
    async get({ doc, repeat }) {
      this.asked += 1;
      return stored.find((entry) => entry.doc === doc && entry.repeat === repeat) ?? null;
    },
  };
}

const scoring = (repeats: number) => docsOf(shard({ ...EXACT, repeats }));

describe('scoreGeneration', () => {
  it('scores a document by its answer and carries what is needed to join it later', async () => {
    const parts = { docs: scoring(1), generations: ledger([]), outcomes: inline, siblings: new Siblings() };
    const entry = await scoreGeneration(parts, generation({ truncatedTokens: 4 }), 2);
    expect(entry).toMatchObject({
      epoch: 2,
      repeat: 'all',
      hashes: { doc: 'd' },
      truncatedTokens: 4,
      outcome: { status: 'scored', metrics: { 'exact_match,none': 1 } },
    });
  });

  it('completes a document exactly when its last repeat arrives, in any order, without asking for what it saw', async () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
    await fc.assert(
      fc.asyncProperty(order, async (repeats) => {
        const stored: Generation[] = [];
        const generations = ledger(stored);
        const parts = { docs: scoring(4), generations, outcomes: inline, siblings: new Siblings() };
        for (const [n, repeat] of repeats.entries()) {
          stored.push(generation({ repeat }));
          const entry = await scoreGeneration(parts, generation({ repeat }), 0);
          expect(entry === null).toBe(n < 3);
          if (entry !== null) expect(entry.promptTokens).toBe(40);
        }
        expect(generations.asked).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('finds the repeats that another sandbox was given', async () => {
    const stored = [0, 1, 2].map((repeat) => generation({ repeat }));
    const parts = {
      docs: scoring(3),
      generations: ledger(stored),
      outcomes: inline,
      siblings: new Siblings(),
    };
    expect(await scoreGeneration(parts, generation({ repeat: 1 }), 0)).toMatchObject({ promptTokens: 30 });
  });

  it('leaves a document unscored when one of its repeats is a fault', async () => {
    const fault = { reason: 'SERVER_LOST', detail: 'x', attempts: 3 };
    const stored = [generation(), generation({ repeat: 1, outcome: { ok: false, fault } })];
    const parts = {
      docs: scoring(2),
      generations: ledger(stored),
      outcomes: inline,
      siblings: new Siblings(),
    };
    const entry = await scoreGeneration(parts, generation(), 0);
    expect(entry?.outcome).toEqual({ status: 'unscored', fault });
  });

  it('refuses a shard with another document in its place', async () => {
    const docs = docsOf(shard(EXACT, [preparedDoc({ doc: 5 })]));
    const parts = { docs, generations: ledger([]), outcomes: inline, siblings: new Siblings() };
    await expect(scoreGeneration(parts, generation(), 0)).rejects.toMatchObject({ reason: 'INTERNAL' });
  });
});
