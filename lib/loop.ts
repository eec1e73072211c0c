import { systemClock, type Clock } from './clock.ts';
import type { Log } from './log.ts';

export interface Loop {
  readonly name: string;
  /** One step; gives the pace: milliseconds until the next. A step must not sleep itself. */
  readonly step: (signal: AbortSignal) => Promise<number>;
  readonly log: Log;
  readonly clock?: Clock;
  /** Longest pause after steps that failed in a row; default 10 s. */
  readonly maxBackoffMs?: number;
  readonly random?: () => number;
}

const FIRST_BACKOFF_MS = 100;

/** Steps until `stop` aborts. A step that throws is logged and tried again after a pause with full jitter. */
export async function loop(options: Loop, stop: AbortSignal): Promise<void> {
  const { clock = systemClock, maxBackoffMs = 10_000, random = Math.random } = options;
  let failures = 0;
  while (!stop.aborted) {
    let paceMs: number;
    try {
      paceMs = await options.step(stop);
      failures = 0;
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      const most = Math.min(maxBackoffMs, FIRST_BACKOFF_MS * 2 ** failures);
      paceMs = FIRST_BACKOFF_MS + random() * most;
      options.log.warn({ err: error, loop: options.name, failures }, 'step failed');
    }
    if (!stop.aborted) await clock.sleep(paceMs, stop).catch(() => undefined);
  }
}
