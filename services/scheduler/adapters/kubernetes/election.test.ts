import { manualClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { afterEach, describe, expect, it } from 'vitest';
import { leaseElection, type Leadership } from './election.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from './lease.ts';

const log = createLog({ service: 'test', level: 'silent' });
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A Lease in memory; what `broken` names fails, `lostAnswers` stores and then fails. */
function memoryLease(): LeaseStore & {
  current: StoredLease | null;
  broken: Set<string>;
  lostAnswers: Set<string>;
  readonly writes: LeaseRecord[];
} {
  let versions = 0;
  return {
    current: null,
    broken: new Set(),
    lostAnswers: new Set(),
    writes: [],
    async read() {
      return this.current;
    },
    async write(record, version) {
      const last = this.current;
      if (this.broken.has(record.holder)) throw new Error('unreachable');
      if ((last?.version ?? null) !== version) return null;
      versions += 1;
      this.current = { ...record, version: String(versions) };
      this.writes.push(record);
      if (this.lostAnswers.delete(record.holder)) throw new Error('lost');
      return String(versions);
    },
  };
}

function world() {
  const clock = manualClock();
  const store = memoryLease();
  const events: string[] = [];
  const join = (holder: string, floor = 0) => {
    const stop = new AbortController();
    stops.push(stop);
    let leadership: Leadership | null = null;
    const election = leaseElection({
      store,
      holder,
      clock,
      log,
      floor: async () => floor,
      lead: async (given) => {
        leadership = given;
        events.push(`${holder} leads ${given.epoch} @${clock.now()}`);
        const end = AbortSignal.any([given.lost, stop.signal]);
        await new Promise((resolve) => end.addEventListener('abort', resolve));
        events.push(`${holder} ${given.lost.aborted ? 'lost' : 'left'} @${clock.now()}`);
      },
    });
    void loop({ name: 'election', step: election.step, log, clock, random: () => 0 }, stop.signal);
    return { stop, election, of: (): Leadership => leadership ?? expect.fail('never led') };
  };
  return { clock, store, events, join };
}

describe('leaseElection', () => {
  it('has one leader, who renews for as long as it lives', async () => {
    const { clock, store, events, join } = world();
    const a = join('a');
    const b = join('b');
    await clock.advance(60_000);
    expect(events).toEqual(['a leads 1 @0']);
    expect([a.election.leads(), b.election.leads()]).toEqual([true, false]);
    expect(store.current).toMatchObject({ holder: 'a', epoch: 1, durationMs: 6_000 });
    a.of().guard();
  });

  it('hands over within a second of a clean exit, with the next epoch', async () => {
    const { clock, events, join } = world();
    const a = join('a');
    await clock.advance(500);
    join('b');
    await clock.advance(10_000);
    a.stop.abort();
    await clock.advance(1_100);
    expect(events).toEqual(['a leads 1 @0', 'a left @10500', 'b leads 2 @11500']);
    expect(() => a.of().guard()).toThrow('over');
  });

  it('stops leading 4 s after the beginning of its last good renewal, before another starts', async () => {
    const { clock, store, events, join } = world();
    join('a');
    await clock.advance(5_000);
    join('b');
    await clock.advance(500);
    store.broken.add('a');
    await clock.advance(10_000);
    expect(events.slice(1)).toEqual(['a lost @9000', 'b leads 2 @12000']);
  });

  it('refuses to write in the very moment, though its timers had no chance yet', async () => {
    const { clock, join } = world();
    const a = join('a');
    await clock.advance(2_500);
    const stopped = { ...clock, monotonic: () => 2_500 + 20_000 };
    Object.assign(clock, { monotonic: stopped.monotonic });
    expect(() => a.of().guard()).toThrow('in time');
    expect(a.of().lost.aborted).toBe(true);
  });

  it('stays leader when only the answer to a renewal was lost', async () => {
    const { clock, store, events, join } = world();
    join('a');
    await clock.advance(1_500);
    store.lostAnswers.add('a');
    await clock.advance(20_000);
    expect(events).toEqual(['a leads 1 @0']);
  });

  it('gives up at once when another has the Lease', async () => {
    const { clock, store, events, join } = world();
    join('a');
    await clock.advance(1_500);
    store.current = { holder: 'x', durationMs: 6_000, epoch: 9, acquiredAt: 0, version: 'foreign' };
    await clock.advance(1_000);
    expect(events).toEqual(['a leads 1 @0', 'a lost @2000']);
  });

  it('never goes back behind the highest epoch, though the Lease was deleted', async () => {
    const { clock, events, join } = world();
    join('a', 41);
    await clock.advance(0);
    expect(events).toEqual(['a leads 42 @0']);
  });

  it('releases when leading fails, so that another can', async () => {
    const clock = manualClock();
    const store = memoryLease();
    const { step } = leaseElection({
      store,
      holder: 'a',
      clock,
      log,
      floor: async () => 0,
      lead: () => Promise.reject(new Error('no')),
    });
    await expect(step(new AbortController().signal)).rejects.toThrow('no');
    expect(store.current).toMatchObject({ holder: '', epoch: 1 });
  });
});
