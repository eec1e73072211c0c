import { describe, expect, it } from 'vitest';
import type { KvChange } from '@assay/lib/bus';
import { mirror } from './mirror.ts';

/** A bucket whose watch tells what it is given, and then waits for its end. */
function bucket(...changes: readonly KvChange<number>[]) {
  return {
    async *watch(signal: AbortSignal): AsyncGenerator<KvChange<number>> {
      yield* changes;
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
    },
  };
}

describe('a mirror', () => {
  it('is current when all that was there has been seen', async () => {
    const stop = new AbortController();
    const put = { type: 'put', entry: { key: 'a', value: 1, revision: 3 } } as const;
    const view = mirror(bucket(put, { type: 'current' }), stop.signal);
    await view.current;
    expect(view.get('a')).toBe(1);
    stop.abort();
    await view.done;
  });

  it('lets nobody wait for what a stop has cut off', async () => {
    const stop = new AbortController();
    const view = mirror(bucket(), stop.signal);
    stop.abort();
    await expect(view.current).rejects.toThrow('before all was seen');
    await view.done;
  });
});
