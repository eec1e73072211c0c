import { describe, expect, it } from 'vitest';
import { createQueue, QueueFull } from './queue.ts';

const never = new AbortController().signal;

describe('queue', () => {
  it('runs one job at a time, in order, and goes on after a failure', async () => {
    const queue = createQueue(10);
    const seen: string[] = [];
    const job =
      (name: string, fails = false) =>
      async () => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
      };
    const results = await Promise.allSettled([
      queue.run(job('a', true), never),
      queue.run(job('b'), never),
      queue.run(job('c'), never),
    ]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('refuses beyond its limit', async () => {
    const queue = createQueue(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = queue.run(() => promise, never);
    const second = queue.run(() => Promise.resolve(), never);
    await expect(queue.run(() => Promise.resolve(), never)).rejects.toBeInstanceOf(QueueFull);
    resolve();
    await Promise.all([first, second]);
    await queue.run(() => Promise.resolve(), never);
  });

  it('forgets who leaves while waiting', async () => {
    const queue = createQueue(5);
    const gone = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = queue.run(() => promise, never);
    let ran = false;
    const left = queue.run(async () => {
      ran = true;
    }, gone.signal);
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    expect(queue.waiting).toBe(0);
    resolve();
    await first;
    expect(ran).toBe(false);
  });
});
