import { describe, expect, it } from 'vitest';
import { manualClock } from './clock.ts';
import { createLog } from './log.ts';
import { loop } from './loop.ts';

const log = createLog({ service: 'test', level: 'silent' });

describe('loop', () => {
  it('steps at the pace that each step gives, until it is stopped', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    const at: number[] = [];
    const done = loop(
      { name: 'l', log, clock, step: async () => (at.push(clock.now()), 100 * at.length) },
      stop.signal,
    );
    await clock.advance(650);
    stop.abort();
    await done;
    expect(at).toEqual([0, 100, 300, 600]);
  });

  it('tries again after a failure, ever later, and forgets failures after a success', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    const at: number[] = [];
    const step = async () => {
      at.push(clock.now());
      if (at.length !== 3) throw new Error('no');
      return 0;
    };
    const done = loop({ name: 'l', log, clock, step, maxBackoffMs: 1_000, random: () => 1 }, stop.signal);
    await clock.advance(1_200);
    stop.abort();
    await done;
    expect(at).toEqual([0, 300, 800, 800, 1_100]);
  });
});
