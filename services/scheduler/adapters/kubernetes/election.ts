import type { Clock } from '@assay/lib/clock';
import { passing } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { LeaseStore, StoredLease } from './lease.ts';

export interface Leadership {
  readonly epoch: number;
  /** Aborts when another scheduler may lead. */
  readonly lost: AbortSignal;
  /** Throws NOT_LEADER unless we surely lead at this very moment, whether or not `lost` had a chance to abort. */
  readonly guard: () => void;
}

export interface LeaseElection {
  readonly store: LeaseStore;
  /** Unlike that of every other process, one that ran under the same name before included. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The highest epoch that was ever in force, so that a Lease that was deleted does not begin again at one. */
  readonly floor: (signal: AbortSignal) => Promise<number>;
  /** Leads until `lost` or `stop` aborts; its rejection ends the leadership. */
  readonly lead: (leadership: Leadership) => Promise<void>;
}

const LEASE_MS = 6_000;
/** From the beginning of the last good renewal; less than the Lease, so that a leader stops before another starts. */
const SURE_MS = 4_000;
const RETRY_MS = 1_000;
/** A renewal that has no answer by then is tried anew. */
const RENEW_CALL_MS = 1_500;
const CALL_MS = 3_000;

/**
 * One step of the election: takes the Lease when nobody holds it, then renews it for as long as it can and leads
 * meanwhile. Whether another holder is alive is told by its renewals and our own clock, never by the times it writes.
 */
export function leaseElection(options: LeaseElection): {
  step(stop: AbortSignal): Promise<number>;
  leads(): boolean;
} {
  const { store, holder, clock, log } = options;
  let observed = { version: '', at: 0 };
  let leading = false;

  function isFree(lease: StoredLease | null): boolean {
    if (lease === null || lease.holder === '' || lease.holder === holder) return true;
    if (lease.version !== observed.version) observed = { version: lease.version, at: clock.monotonic() };
    return clock.monotonic() - observed.at > lease.durationMs;
  }

  async function hold(epoch: number, first: string, startedAt: number): Promise<void> {
    const lost = new AbortController();
    const over = new AbortController();
    const acquiredAt = clock.now();
    const record = { holder, durationMs: LEASE_MS, epoch, acquiredAt };
    let version = first;
    let sureUntil = startedAt + SURE_MS;
    const lose = (why: string) => {
      if (!lost.signal.aborted) lost.abort(passing('NOT_LEADER', why));
    };
    let watchdog = new AbortController();
    const arm = () => {
      watchdog.abort();
      watchdog = new AbortController();
      const signal = AbortSignal.any([watchdog.signal, over.signal]);
      clock.sleep(sureUntil - clock.monotonic(), signal).then(
        () => lose('the Lease could not be renewed in time'),
        () => undefined,
      );
    };
    const renew = async (signal: AbortSignal): Promise<number> => {
      const from = clock.monotonic();
      const result = await store.write(record, version, clock.now(), { signal, deadlineMs: RENEW_CALL_MS });
      if (result === null) {
        // Our own write can have arrived although its answer was lost.
        const lease = await store.read({ signal, deadlineMs: RENEW_CALL_MS });
        if (lease?.holder !== holder || lease.epoch !== epoch) lose('another scheduler has the Lease');
        else version = lease.version;
        return 0;
      }
      version = result;
      sureUntil = from + SURE_MS;
      arm();
      return RETRY_MS;
    };

    leading = true;
    log.info({ epoch }, 'leads');
    arm();
    const until = AbortSignal.any([lost.signal, over.signal]);
    const renewing = clock
      .sleep(RETRY_MS, until)
      .then(() => loop({ name: 'renew', step: renew, log, clock, maxBackoffMs: RETRY_MS }, until))
      .catch(() => undefined);
    const guard = () => {
      if (clock.monotonic() >= sureUntil) lose('the Lease could not be renewed in time');
      if (lost.signal.aborted) throw lost.signal.reason;
      if (!leading) throw passing('NOT_LEADER', 'the leadership is over');
    };
    try {
      await options.lead({ epoch, lost: lost.signal, guard });
    } finally {
      leading = false;
      over.abort();
      await renewing;
      if (!lost.signal.aborted) await release(epoch, acquiredAt, version);
      log.info({ epoch }, 'leads no more');
    }
  }

  // Who waits need not wait until it has run out.
  async function release(epoch: number, acquiredAt: number, version: string): Promise<void> {
    const record = { holder: '', durationMs: RETRY_MS, epoch, acquiredAt };
    try {
      await store.write(record, version, clock.now(), { deadlineMs: RENEW_CALL_MS });
    } catch (error) {
      log.warn({ err: error }, 'the Lease was not released');
    }
  }

  return {
    leads: () => leading,
    async step(stop) {
      const call = { signal: stop, deadlineMs: CALL_MS };
      const lease = await store.read(call);
      if (!isFree(lease)) return RETRY_MS;
      const epoch = Math.max(lease?.epoch ?? 0, await options.floor(stop)) + 1;
      const startedAt = clock.monotonic();
      const record = { holder, durationMs: LEASE_MS, epoch, acquiredAt: clock.now() };
      const version = await store.write(record, lease?.version ?? null, clock.now(), call);
      if (version === null) return RETRY_MS;
      await hold(epoch, version, startedAt);
      return RETRY_MS;
    },
  };
}
