import { AssayError, passing, type Reason } from '@assay/lib/errors';
import { describe, expect, it } from 'vitest';
import { delivery, generation, memoryScores, preparedDoc, settleWith } from '../testing/builders.ts';
import { scoreEntry } from './entry.ts';
import { backoffMs, settleDelivery } from './settle.ts';

const scored = { status: 'scored', metrics: { a: 1 }, filtered: {} } as const;
const score = async (entry: ReturnType<typeof generation>) =>
  scoreEntry([entry], entry.repeat, 0, preparedDoc(), scored);
const failing = (error: unknown) => async (): Promise<null> => {
  throw error;
};

describe('settleDelivery', () => {
  it('stores, then acknowledges; a second delivery of the same finds it stored', async () => {
    const scores = memoryScores();
    const steps: string[] = [];
    const settle = settleWith({ scores, stored: () => steps.push('stored') });
    const first = delivery(generation());
    expect(await settleDelivery(settle, first, score)).toBe('scored');
    expect(first.done).toEqual(['ack']);
    const second = delivery(generation());
    expect(await settleDelivery(settle, second, score)).toBe('exists');
    expect(second.done).toEqual(['ack']);
    expect(steps).toEqual(['stored']);
    expect(scores.all).toHaveLength(1);
  });

  it('drops what belongs to a finished job, also when it finished meanwhile', async () => {
    const scores = memoryScores();
    let finished = false;
    const settle = settleWith({ scores, jobs: { isFinished: () => finished } });
    const late = delivery(generation());
    const settled = await settleDelivery(settle, late, async (entry) => {
      finished = true;
      return await score(entry);
    });
    expect(settled).toBe('dropped');
    expect(late.done).toEqual(['ack']);
    expect(scores.all).toEqual([]);
  });

  it('acknowledges a generation whose siblings are missing', async () => {
    const waiting = delivery(generation());
    expect(await settleDelivery(settleWith(), waiting, async () => null)).toBe('waits');
    expect(waiting.done).toEqual(['ack']);
  });

  it.for(['LEDGER_FULL', 'BLOB_STORE_FULL', 'BROKER_UNAVAILABLE', 'UNAVAILABLE'] satisfies Reason[])(
    'tries %s again for ever',
    async (reason) => {
      const again = delivery(generation(), 1_000);
      expect(await settleDelivery(settleWith(), again, failing(passing(reason, 'x')))).toBe('retried');
      expect(again.done).toEqual(['retry']);
    },
  );

  it('waits for a blob that is late, then stores the fault', async () => {
    const missing = new AssayError('BLOB_MISSING', 'not there');
    const early = delivery(generation(), 1);
    expect(await settleDelivery(settleWith(), early, failing(missing))).toBe('retried');
    const scores = memoryScores();
    const last = delivery(generation(), 5);
    expect(await settleDelivery(settleWith({ scores }), last, failing(missing))).toBe('unscored');
    expect(last.done).toEqual(['ack']);
    expect(scores.all).toMatchObject([
      { repeat: 'all', outcome: { status: 'unscored', fault: { reason: 'BLOB_MISSING', attempts: 5 } } },
    ]);
  });

  it('does not let a poisoned generation come for ever', async () => {
    const scores = memoryScores();
    const settle = settleWith({ scores });
    expect(await settleDelivery(settle, delivery(generation(), 4), failing(new TypeError('x')))).toBe(
      'retried',
    );
    expect(await settleDelivery(settle, delivery(generation(), 5), failing(new TypeError('x')))).toBe(
      'unscored',
    );
    expect(scores.all).toMatchObject([{ outcome: { fault: { reason: 'INTERNAL' } } }]);
  });
});

it('backs off within its bounds', () => {
  expect(backoffMs(1, () => 0)).toBe(250);
  expect(backoffMs(1, () => 1)).toBe(500);
  expect(backoffMs(50, () => 1)).toBe(30_000);
});
