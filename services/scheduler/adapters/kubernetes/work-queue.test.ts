import { manualClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { afterEach, describe, expect, it } from 'vitest';
import { workQueue, type WorkQueueOptions } from './work-queue.ts';

const log = createLog({ service: 'test', level: 'silent' });
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

function subject(options: Partial<WorkQueueOptions> = {}) {
  const clock = manualClock();
  const handled: string[] = [];
  const open: { readonly key: string; readonly end: (error?: Error) => void }[] = [];
  const stop = new AbortController();
  const kill = new AbortController();
  stops.push(stop);
  const queue = workQueue(
    {
      name: 'test',
      handle: async (key) => {
        handled.push(`${key}@${clock.now()}`);
        await new Promise<void>((resolve, reject) => {
          open.push({ key, end: (error) => (error === undefined ? resolve() : reject(error)) });
        });
        return null;
      },
      lanes: 2,
      keys: () => [],
      resyncMs: 1_000_000,
      backoff: { firstMs: 100, mostMs: 1_000, random: () => 1 },
      clock,
      log,
      ...options,
    },
    stop.signal,
    kill.signal,
  );
  const end = async (key: string, error?: Error) => {
    const index = open.findIndex((one) => one.key === key);
    open.splice(index, 1)[0]?.end(error);
    await clock.advance(0);
  };
  return { clock, handled, queue, stop, kill, end };
}

describe('workQueue', () => {
  it('handles a key once however often it is added, and as many at once as there are lanes', async () => {
    const { queue, handled, end } = subject();
    for (const key of ['a', 'b', 'c', 'c', 'c']) queue.add(key);
    expect(handled).toEqual(['a@0', 'b@0']);
    expect(queue.depth).toBe(3);
    await end('a');
    await end('b');
    await end('c');
    expect(handled).toEqual(['a@0', 'b@0', 'c@0']);
    expect(queue.depth).toBe(0);
  });

  it('never handles a key twice at once, and again once when it was added meanwhile', async () => {
    const { queue, handled, end } = subject();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(handled).toEqual(['a@0']);
    await end('a');
    expect(handled).toEqual(['a@0', 'a@0']);
    await end('a');
    expect(handled).toHaveLength(2);
  });

  it('tries a key that fails ever later, without holding up others, and forgets it after a success', async () => {
    let good = false;
    const at: string[] = [];
    const { queue, clock } = subject({
      handle: async (key) => {
        at.push(`${key}@${clock.now()}`);
        if (key === 'bad' && !good) throw new Error('no');
        return null;
      },
    });
    queue.add('bad');
    await clock.advance(750);
    queue.add('other');
    await clock.advance(1_000);
    expect(at).toEqual(['bad@0', 'bad@100', 'bad@300', 'bad@700', 'other@750', 'bad@1500']);
    good = true;
    await clock.advance(1_000);
    good = false;
    queue.add('bad');
    await clock.advance(100);
    expect(at.slice(-3)).toEqual(['bad@2500', 'bad@2750', 'bad@2850']);
  });

  it('does not let an event cut the pause of a failure short while it is in hand', async () => {
    const { queue, handled, end, clock } = subject();
    queue.add('a');
    queue.add('a');
    await end('a', new Error('no'));
    await clock.advance(99);
    expect(handled).toEqual(['a@0']);
    await clock.advance(1);
    expect(handled).toEqual(['a@0', 'a@100']);
  });

  it('looks again when the handler asks for it, or earlier when something happens', async () => {
    const at: number[] = [];
    const { queue, clock } = subject({
      handle: async () => (at.push(clock.now()), at.length < 3 ? 500 : null),
    });
    queue.add('a');
    await clock.advance(600);
    queue.add('a');
    await clock.advance(5_000);
    expect(at).toEqual([0, 500, 600]);
  });

  it('handles all keys at the start and again from time to time', async () => {
    const { handled, clock, end } = subject({ resyncMs: 1_000, keys: () => ['a', 'b'] });
    await clock.advance(500);
    await end('a');
    await end('b');
    await clock.advance(1_000);
    expect(handled).toEqual(['a@0', 'b@0', 'a@1000', 'b@1000']);
  });

  it('takes nothing new after the stop, and is done when what is in hand is', async () => {
    const { queue, handled, stop, end, clock } = subject({ lanes: 1 });
    queue.add('a');
    queue.add('b');
    stop.abort();
    queue.add('c');
    let done = false;
    void queue.done.then(() => (done = true));
    await clock.advance(0);
    expect(done).toBe(false);
    await end('a');
    expect(done).toBe(true);
    expect(handled).toEqual(['a@0']);
  });

  it('hands the kill to what is in hand', async () => {
    const { queue, stop, kill } = subject({
      handle: (_, signal) =>
        new Promise((__, reject) => signal.addEventListener('abort', () => reject(new Error('killed')))),
    });
    queue.add('a');
    stop.abort();
    kill.abort();
    await queue.done;
  });
});
