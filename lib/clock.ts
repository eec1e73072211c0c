import { setTimeout as timeout } from 'node:timers/promises';

/** Time as an argument, so that tests can set it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => timeout(ms, undefined, signal === undefined ? {} : { signal }),
};

/** A clock that stands still until it is advanced; sleepers wake in the order of their times. */
export function manualClock(startMs = 0): Clock & { advance(ms: number): Promise<void> } {
  let nowMs = startMs;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const sleeper = { atMs: nowMs + ms, wake: resolve };
      sleepers.push(sleeper);
      const stop = () => {
        sleepers = sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      if (signal?.aborted === true) stop();
      else signal?.addEventListener('abort', stop, { once: true });
      return promise;
    },
    async advance(ms) {
      const until = nowMs + ms;
      await settle();
      for (;;) {
        const next = sleepers.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > until) break;
        nowMs = Math.max(nowMs, next.atMs);
        sleepers = sleepers.filter((other) => other !== next);
        next.wake();
        await settle();
      }
      nowMs = until;
      await settle();
    },
  };
}

// Lets everything that a woken sleeper does at once happen before time goes on.
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
