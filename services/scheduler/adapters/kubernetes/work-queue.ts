import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { backoffMs, type Backoff } from './backoff.ts';

export interface WorkQueueOptions {
  readonly name: string;
  /** Makes the world of `key` as it should be, from what is true now; gives in how many ms to look again, or null. */
  readonly handle: (key: string, kill: AbortSignal) => Promise<number | null>;
  /** Keys handled at once. */
  readonly lanes: number;
  /** All keys that there are: each is handled at the start and every `resyncMs`, in case an event was missed. */
  readonly keys: () => Iterable<string>;
  readonly resyncMs: number;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly log: Log;
}

export interface WorkQueue {
  /** Has the key handled, once however often it is added before that; again when it is being handled right now. */
  add(key: string): void;
  /** Waiting and in hand, delayed ones not. */
  readonly depth: number;
  /** Resolves after `stop`, when nothing is in hand. */
  readonly done: Promise<void>;
}

/** Keys to be handled, each by one at a time. A key whose handling fails comes again after a pause of its own. */
export function workQueue(options: WorkQueueOptions, stop: AbortSignal, kill: AbortSignal): WorkQueue {
  const { clock, log } = options;
  const waiting = new Set<string>();
  const inHand = new Set<string>();
  const again = new Set<string>(); // added while in hand
  const failures = new Map<string, number>();
  const later = new Map<string, AbortController>(); // the pause of a key
  const { promise: done, resolve: isDone } = Promise.withResolvers<void>();

  function add(key: string): void {
    if (stop.aborted) return;
    if (inHand.has(key)) again.add(key);
    else waiting.add(key);
    pump();
  }

  function pump(): void {
    for (const key of waiting) {
      if (inHand.size >= options.lanes) return;
      waiting.delete(key);
      later.get(key)?.abort();
      inHand.add(key);
      void run(key);
    }
  }

  async function run(key: string): Promise<void> {
    let pauseMs: number | null;
    try {
      pauseMs = await options.handle(key, kill);
      failures.delete(key);
    } catch (error) {
      const count = (failures.get(key) ?? 0) + 1;
      failures.set(key, count);
      pauseMs = backoffMs(count, options.backoff);
      if (!kill.aborted) log.warn({ err: error, key, failures: count, pauseMs }, `${options.name} failed`);
    }
    inHand.delete(key);
    if (stop.aborted) return over();
    // What came meanwhile is newer than a pause, unless the pause is for a failure.
    if (again.delete(key) && !failures.has(key)) waiting.add(key);
    else if (pauseMs !== null) addAfter(key, pauseMs);
    pump();
  }

  function addAfter(key: string, ms: number): void {
    const pause = new AbortController();
    later.set(key, pause);
    const over = () => {
      if (later.get(key) === pause) later.delete(key);
    };
    clock.sleep(ms, AbortSignal.any([stop, pause.signal])).then(
      () => {
        over();
        add(key);
      },
      () => over(),
    );
  }

  const resync = async () => {
    for (const key of options.keys()) if (!failures.has(key)) add(key);
    return options.resyncMs;
  };

  function over(): void {
    waiting.clear();
    if (inHand.size === 0) isDone();
  }

  if (stop.aborted) over();
  else stop.addEventListener('abort', over, { once: true });
  void loop({ name: `${options.name} resync`, step: resync, log, clock }, stop);
  return {
    add,
    get depth() {
      return waiting.size + inHand.size;
    },
    done,
  };
}
