import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

const settled = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

describe('Slots', () => {
  it('hands out no more than there are, in the order of asking', async () => {
    const slots = new Slots([1]);
    const order: string[] = [];
    const first = await slots.acquire(false);
    const second = slots.acquire(false).then((slot) => (order.push('second'), slot));
    const third = slots.acquire(false).then((slot) => (order.push('third'), slot));
    await settled();
    expect(order).toEqual([]);
    expect(slots.waiting).toBe(2);
    slots.release(first);
    slots.release(await second);
    await third;
    expect(order).toEqual(['second', 'third']);
  });

  it('lets one run alone: after all others have ended, before any other begins', async () => {
    const slots = new Slots([1, 2]);
    const running = await slots.acquire(false);
    const order: string[] = [];
    const alone = slots.acquire(true).then((slot) => (order.push('alone'), slot));
    const other = slots.acquire(false).then((slot) => (order.push('other'), slot));
    await settled();
    expect(order).toEqual([]);
    slots.release(running);
    await settled();
    expect(order).toEqual(['alone']);
    slots.release(await alone);
    await other;
    expect(order).toEqual(['alone', 'other']);
    expect(slots.taken).toBe(1);
  });

  it('gives up waiting when the signal aborts, and lets the next one through', async () => {
    const slots = new Slots([1]);
    const running = await slots.acquire(false);
    const stop = new AbortController();
    const refused = slots.acquire(true, stop.signal);
    const next = slots.acquire(false);
    stop.abort();
    await expect(refused).rejects.toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    slots.release(running);
    await expect(next).resolves.toBe(1);
  });
});
