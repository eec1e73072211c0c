import type { Clock } from '../clock.ts';
import { passing } from '../errors.ts';

/** An answer, and for how long it holds from the moment it was asked for. */
export interface Answer<T> {
  readonly value: T;
  readonly keepMs: number;
}

export interface Remembering {
  /** Most answers that are kept; the one that nobody used for longest goes first. */
  readonly most: number;
  /** Most questions on their way. */
  readonly mostAsked: number;
  readonly clock: Clock;
}

/**
 * Asks once for all who want the same at the same time, and keeps the answer for a while. A question that fails is
 * forgotten; one too many is refused with UNAVAILABLE (passing).
 */
export function remembered<T>(
  options: Remembering,
): (key: string, ask: () => Promise<Answer<T>>) => Promise<T> {
  const { most, mostAsked, clock } = options;
  const kept = new Map<string, { readonly value: T; readonly untilMs: number }>();
  const asked = new Map<string, Promise<T>>();

  async function question(key: string, ask: () => Promise<Answer<T>>): Promise<T> {
    const askedAt = clock.monotonic();
    try {
      const { value, keepMs } = await ask();
      kept.set(key, { value, untilMs: askedAt + keepMs });
      const [oldest] = kept.keys();
      if (kept.size > most && oldest !== undefined) kept.delete(oldest);
      return value;
    } finally {
      asked.delete(key);
    }
  }

  return async (key, ask) => {
    const known = kept.get(key);
    kept.delete(key);
    if (known !== undefined && known.untilMs > clock.monotonic()) {
      kept.set(key, known);
      return known.value;
    }
    const joined = asked.get(key);
    if (joined !== undefined) return joined;
    if (asked.size >= mostAsked)
      throw passing('UNAVAILABLE', `${mostAsked} callers are being looked up already; try again`);
    const begun = question(key, ask);
    asked.set(key, begun);
    return begun;
  };
}
