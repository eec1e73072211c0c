import { describe, expect, it } from 'vitest';
import type { Score } from '@assay/lib/domain';
import { passing } from '@assay/lib/errors';
import { systemClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { memoryResults } from '../adapters/memory-results.ts';
import type { FoldCounts, Results } from '../ports.ts';
import { blobs, EMPTY_REF, row, score, scored } from '../testing/builders.ts';
import { aggregate, type AggregateOptions } from './aggregate.ts';
import { rowOf } from './rows.ts';

function setting(results: Pick<Results, 'fold'> = memoryResults()) {
  const events: string[] = [];
  const folded: FoldCounts[] = [];
  const store = blobs();
  const options: AggregateOptions = {
    results: {
      fold: async (rows, now) => {
        const counts = await results.fold(rows, now);
        events.push('commit');
        return counts;
      },
    },
    blobs: store,
    clock: systemClock,
    log: createLog({ service: 'test', level: 'silent' }),
    folded: (counts) => folded.push(counts),
    committed: () => events.push('crash point'),
  };
  const deliver = (entries: readonly Score[]): Promise<void> =>
    aggregate(
      options,
      entries.map((entry) => ({ entry, ack: () => events.push('ack') })),
    );
  return { deliver, events, folded, store };
}

describe('aggregate', () => {
  it('acknowledges after the commit and not before', async () => {
    const { deliver, events } = setting();
    await deliver([score({ doc: 0 }), score({ doc: 1 })]);
    expect(events).toEqual(['commit', 'crash point', 'ack', 'ack']);
  });

  it('acknowledges nothing when the database does not answer', async () => {
    const { deliver, events } = setting({
      fold: () => Promise.reject(passing('DATABASE_UNAVAILABLE', 'gone')),
    });
    await expect(deliver([score()])).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
    expect(events).toEqual([]);
  });

  it('reads an outcome that is a blob, and keeps the reference', async () => {
    const results = memoryResults();
    const { deliver, store } = setting(results);
    const blob = store.put(scored({ 'acc,none': 0.25 }, { none: 'long' }));
    await deliver([score({ outcome: { blob } })]);
    const [stored] = await results.rows({ job: 'aaaaaaaaaaaa', epoch: 0, task: 'toy' }, 0, 1);
    expect(stored).toMatchObject({ metrics: { 'acc,none': 0.25 }, outcome: { blob } });
  });

  it('counts a score whose blob is gone as unscored', async () => {
    const results = memoryResults();
    const { deliver } = setting(results);
    await deliver([score({ outcome: { blob: EMPTY_REF } })]);
    expect(await results.totals('aaaaaaaaaaaa')).toMatchObject([{ scored: 0, reasons: { BLOB_MISSING: 1 } }]);
  });

  it('drops what has no identity and stores the rest', async () => {
    const { deliver, events, folded } = setting();
    await deliver([score({ doc: -1 }), score({ task: 'a\0b' }), score()]);
    expect(folded).toMatchObject([{ stored: 1, unreadable: 2 }]);
    expect(events.filter((event) => event === 'ack')).toHaveLength(3);
  });
});

describe('rowOf', () => {
  it.each([
    ['a metric that is no number', { status: 'scored', metrics: { 'acc,none': null }, filtered: {} }],
    ['a metric name with NUL', { status: 'scored', metrics: { 'a\0,none': 1 }, filtered: {} }],
    ['a reason that is prose', { status: 'unscored', fault: { reason: 'no idea', detail: '', attempts: 1 } }],
    ['nothing', null],
  ])('makes %s unscored, so that the job still ends', (_, outcome) => {
    expect(rowOf(score(), outcome)?.fault?.reason).toBe('INTERNAL');
  });
  it('stands for all repeats with -1', () => {
    expect(row({ repeat: 'all' }).repeat).toBe(-1);
  });
});
