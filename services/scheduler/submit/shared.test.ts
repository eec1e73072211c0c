import { describe, expect, it } from 'vitest';
import { shared } from './shared.ts';

const never = new AbortController().signal;

/** A run that ends when the test says so, and the signal that it was given. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const begun: AbortSignal[] = [];
  const run = (signal: AbortSignal) => {
    begun.push(signal);
    return promise;
  };
  return { begun, run, resolve, reject };
}

describe('a shared run', () => {
  it('is one for all who ask at the same time, and another one after that', async () => {
    const share = shared<string>();
    const first = work();
    const both = [share('a', first.run, never), share('a', first.run, never)];
    first.resolve('done');
    expect(await Promise.all(both)).toEqual(['done', 'done']);
    expect(first.begun).toHaveLength(1);
    const second = work();
    second.resolve('again');
    expect(await share('a', second.run, never)).toBe('again');
  });

  it('is kept apart from others', async () => {
    const share = shared<string>();
    const [a, b] = [work(), work()];
    const results = [share('a', a.run, never), share('b', b.run, never)];
    a.resolve('a');
    b.resolve('b');
    expect(await Promise.all(results)).toEqual(['a', 'b']);
  });

  it('goes on for the others when one leaves, and is given up when the last does', async () => {
    const share = shared<string>();
    const { begun, run } = work();
    const [one, two] = [new AbortController(), new AbortController()];
    const results = [share('a', run, one.signal), share('a', run, two.signal)];
    one.abort(new Error('gone'));
    await expect(results[0]).rejects.toThrow('gone');
    expect(begun[0]?.aborted).toBe(false);
    two.abort(new Error('gone too'));
    await expect(results[1]).rejects.toThrow('gone too');
    expect(begun[0]?.aborted).toBe(true);
  });

  it('that is being given up is waited for, and not joined', async () => {
    const share = shared<string>();
    const [old, fresh] = [work(), work()];
    const caller = new AbortController();
    const left = share('a', old.run, caller.signal);
    caller.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const next = share('a', fresh.run, never);
    await new Promise((resolve) => setImmediate(resolve));
    expect(fresh.begun).toHaveLength(0);
    old.reject(new Error('given up'));
    fresh.resolve('done');
    expect(await next).toBe('done');
  });

  it('fails for all of them', async () => {
    const share = shared<string>();
    const { run, reject } = work();
    const results = [share('a', run, never), share('a', run, never)];
    reject(new Error('wrong'));
    for (const result of results) await expect(result).rejects.toThrow('wrong');
  });
});
