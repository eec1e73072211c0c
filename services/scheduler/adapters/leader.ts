import { LEADER, type Bus } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';

export interface Leadership {
  readonly epoch: number;
  /** Aborts when another scheduler may lead. */
  readonly lost: AbortSignal;
}

/** The key as its holder last wrote it. */
interface Held {
  revision: number;
  /** When the write that the broker agreed to last was begun: the key lives on from then at least. */
  sinceMs: number;
}

const KEY = 'scheduler';
const RENEW_MS = 1_500;
/** Less than the key's life in the KV, so that a leader that cannot renew stops before another can start. */
const SURE_MS = 4_000;

/**
 * One step of the election: takes the key when nobody holds it, then renews it for as long as it can and leads
 * meanwhile. The epoch is the key's revision at acquisition, which only grows.
 */
export function election(options: {
  readonly bus: Bus;
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Leads until `lost` or `stop` aborts; its rejection ends the leadership. */
  readonly lead: (leadership: Leadership) => Promise<void>;
}): { step(stop: AbortSignal): Promise<number>; leads(): boolean } {
  const { bus, holder, clock, log } = options;
  const kv = bus.kv(LEADER);
  let leading = false;

  /** Renews until it is told to stop or has lost the key. */
  async function renew(held: Held, lost: AbortController, stop: AbortSignal): Promise<void> {
    const halt = AbortSignal.any([stop, lost.signal]);
    while (!halt.aborted) {
      await clock.sleep(RENEW_MS, halt).catch(() => undefined);
      if (halt.aborted) return;
      const begunMs = clock.monotonic();
      try {
        const revision = await kv.update(KEY, { holder }, held.revision);
        if (revision !== 'conflict') Object.assign(held, { revision, sinceMs: begunMs } satisfies Held);
        else if (!(await stillOurs(held))) return lost.abort();
      } catch (error) {
        log.warn({ err: error }, 'leadership not renewed');
      }
    }
  }

  // An earlier write of ours can have arrived although its answer was lost; when it did is not known.
  async function stillOurs(held: Held): Promise<boolean> {
    const entry = await kv.get(KEY);
    if (entry?.value.holder !== holder) return false;
    held.revision = entry.revision;
    return true;
  }

  // A clock of its own: an answer that does not come must not keep a leader in the lead.
  async function expire(held: Held, lost: AbortController): Promise<void> {
    for (;;) {
      const leftMs = held.sinceMs + SURE_MS - clock.monotonic();
      if (leftMs <= 0) return lost.abort();
      await clock.sleep(leftMs, lost.signal).catch(() => undefined);
      if (lost.signal.aborted) return;
    }
  }

  async function hold(held: Held, stop: AbortSignal): Promise<void> {
    const epoch = held.revision;
    const lost = new AbortController();
    leading = true;
    log.info({ epoch }, 'leads');
    const expiring = expire(held, lost);
    const renewing = renew(held, lost, stop);
    try {
      await options.lead({ epoch, lost: lost.signal });
    } finally {
      leading = false;
      lost.abort();
      await Promise.all([renewing, expiring]);
      log.info({ epoch }, 'leads no more');
    }
  }

  return {
    leads: () => leading,
    async step(stop) {
      const sinceMs = clock.monotonic();
      const revision = await kv.create(KEY, { holder });
      if (revision === 'exists') return 500;
      const held: Held = { revision, sinceMs };
      await hold(held, stop);
      // At this revision only: the key may be another's by now.
      if (stop.aborted) await kv.delete(KEY, held.revision);
      return 500;
    },
  };
}
