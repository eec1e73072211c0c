import { describe, expect, it } from 'vitest';
import type { Bus, Kv } from '@assay/lib/bus';
import { manualClock } from '@assay/lib/clock';
import { memoryBus } from '../testing/memory-bus.ts';
import { silent } from '../testing/run-ports.ts';
import { election } from './leader.ts';

type LeaderKv = Kv<{ readonly holder: string }>;

/** One key at a broker that answers at once, unless a test says otherwise. */
function oneKey(over: Partial<LeaderKv> = {}) {
  let revision = 7;
  const deleted: (number | undefined)[] = [];
  const kv: LeaderKv = {
    get: async () => null,
    create: async () => revision,
    update: async () => (revision += 1),
    put: async () => revision,
    delete: async (_, at) => void deleted.push(at),
    async *keys() {},
    async *watch() {},
    ...over,
  };
  // The election asks for one bucket only.
  const bus: Bus = { ...memoryBus(), kv: () => kv as Kv<never> };
  return { bus, deleted };
}

function elected(over: Partial<LeaderKv> = {}) {
  const clock = manualClock();
  const { bus, deleted } = oneKey(over);
  const stop = new AbortController();
  let lostAtMs: number | null = null;
  const elects = election({
    bus,
    holder: 'me',
    clock,
    log: silent,
    lead: ({ lost }) =>
      new Promise((resolve) => {
        lost.addEventListener('abort', () => {
          lostAtMs ??= clock.monotonic();
          resolve();
        });
        stop.signal.addEventListener('abort', () => resolve());
      }),
  });
  const done = elects.step(stop.signal);
  return { clock, stop, done, deleted, lostAtMs: () => lostAtMs };
}

const KEY_LIFE_MS = 5_000;

describe('a leader', () => {
  it('leads for as long as it renews, and gives up the key as it last wrote it', async () => {
    const { clock, stop, done, deleted, lostAtMs } = elected();
    await clock.advance(60_000);
    expect(lostAtMs()).toBeNull();
    stop.abort();
    await clock.advance(0);
    await done;
    expect(deleted).toEqual([47]);
  });

  it('stops before its key dies when no answer comes', async () => {
    const { clock, done, lostAtMs } = elected({ update: () => new Promise(() => undefined) });
    void done;
    await clock.advance(60_000);
    expect(lostAtMs()).toBeLessThan(KEY_LIFE_MS);
  });

  it('counts from the start of a renewal, not from its answer', async () => {
    const slow = { answered: 0 };
    const { clock, done, lostAtMs } = elected({
      update: async () => {
        slow.answered += 1;
        if (slow.answered > 1) return Promise.reject(new Error('away'));
        await clock.sleep(2_000);
        return 8;
      },
    });
    await clock.advance(60_000);
    await done;
    expect(lostAtMs()).toBeLessThan(1_500 + KEY_LIFE_MS);
  });

  it('stops at once when another holds the key', async () => {
    const { clock, done, lostAtMs } = elected({
      update: async () => 'conflict',
      get: async () => ({ key: 'scheduler', value: { holder: 'another' }, revision: 9 }),
    });
    await clock.advance(2_000);
    await done;
    expect(lostAtMs()).toBe(1_500);
  });
});
