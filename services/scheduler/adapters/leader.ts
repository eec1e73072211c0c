import { LEADER, type Bus } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';

export interface Leadership {
  readonly epoch: number;
  /** Aborts when another scheduler may lead. */
  readonly lost: AbortSignal;
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

  async function renew(first: number, lost: AbortController, stop: AbortSignal): Promise<void> {
    let revision = first;
    let renewedAt = clock.monotonic();
    while (!lost.signal.aborted && !stop.aborted) {
      await clock.sleep(RENEW_MS, AbortSignal.any([stop, lost.signal])).catch(() => undefined);
      if (stop.aborted || lost.signal.aborted) break;
      const result = await kv.update(KEY, { holder }, revision).catch((error: unknown) => {
        log.warn({ err: error }, 'leadership not renewed');
        return null;
      });
      if (result === 'conflict') {
        // Our own write can have arrived although its answer was lost.
        const entry = await kv.get(KEY).catch(() => null);
        if (entry?.value.holder !== holder) return;
        revision = entry.revision;
      } else if (result !== null) revision = result;
      if (result !== null) renewedAt = clock.monotonic();
      else if (clock.monotonic() - renewedAt > SURE_MS) return;
    }
  }

  async function hold(epoch: number, stop: AbortSignal): Promise<void> {
    const lost = new AbortController();
    leading = true;
    log.info({ epoch }, 'leads');
    const renewing = renew(epoch, lost, stop).finally(() => lost.abort());
    try {
      await options.lead({ epoch, lost: lost.signal });
    } finally {
      leading = false;
      lost.abort();
      await renewing;
      log.info({ epoch }, 'leads no more');
    }
  }

  return {
    leads: () => leading,
    async step(stop) {
      const epoch = await kv.create(KEY, { holder });
      if (epoch === 'exists') return 500;
      await hold(epoch, stop);
      if (stop.aborted) await kv.delete(KEY);
      return 500;
    },
  };
}
