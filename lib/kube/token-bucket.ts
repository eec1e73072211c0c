import type { Clock } from '../clock.ts';

export interface Rate {
  /** Requests a second in the long run. */
  readonly qps: number;
  /** Requests at once after a quiet time. */
  readonly burst: number;
}

export interface TokenBucket {
  /** Resolves when a request may be sent, first come, first served. */
  take(signal: AbortSignal): Promise<void>;
}

export function tokenBucket({ qps, burst }: Rate, clock: Clock): TokenBucket {
  let tokens = burst; // below zero: what is already promised to those who wait
  let filledAt = clock.monotonic();
  return {
    async take(signal) {
      const now = clock.monotonic();
      tokens = Math.min(burst, tokens + ((now - filledAt) * qps) / 1_000);
      filledAt = now;
      tokens -= 1;
      if (tokens >= 0) return;
      try {
        await clock.sleep((-tokens * 1_000) / qps, signal);
      } catch (error) {
        tokens += 1;
        throw error;
      }
    },
  };
}
