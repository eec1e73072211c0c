import { manualClock } from '../clock.ts';
import { describe, expect, it } from 'vitest';
import { tokenBucket } from './token-bucket.ts';

const open = new AbortController().signal;

describe('tokenBucket', () => {
  it('lets a burst through at once and the rest at the rate, in order', async () => {
    const clock = manualClock();
    const bucket = tokenBucket({ qps: 10, burst: 3 }, clock);
    const at: [number, number][] = [];
    for (let n = 0; n < 6; n += 1) void bucket.take(open).then(() => at.push([n, clock.now()]));
    await clock.advance(1_000);
    expect(at).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 100],
      [4, 200],
      [5, 300],
    ]);
  });

  it('never saves up more than the burst', async () => {
    const clock = manualClock();
    const bucket = tokenBucket({ qps: 10, burst: 2 }, clock);
    await clock.advance(60_000);
    let taken = 0;
    for (let n = 0; n < 5; n += 1) void bucket.take(open).then(() => (taken += 1));
    await clock.advance(0);
    expect(taken).toBe(2);
  });

  it('takes back what a caller no longer waits for', async () => {
    const clock = manualClock();
    const bucket = tokenBucket({ qps: 1, burst: 1 }, clock);
    await bucket.take(open);
    const gone = new AbortController();
    const given = bucket.take(gone.signal).catch((error: unknown) => error);
    gone.abort(new Error('no more'));
    expect(await given).toMatchObject({ message: 'no more' });
    let at = -1;
    void bucket.take(open).then(() => (at = clock.now()));
    await clock.advance(5_000);
    expect(at).toBe(1_000);
  });
});
