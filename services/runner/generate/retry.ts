import type { Fault } from '@assay/lib/domain';
import type { Reason } from '@assay/lib/errors';
import type { Failure } from '../ports.ts';

export interface RetryPolicy {
  /** Tries of one request that fail for a reason of its own. */
  readonly attempts: number;
  /** How long a request is put off by 429 and 503, from the first one. */
  readonly patienceMs: number;
}

/** What happened to one request so far. */
export interface Tries {
  readonly attempts: number;
  /** 429 and 503. */
  readonly putOff: number;
  readonly putOffSinceMs: number | null;
  /** Outages that began while it was in flight. */
  readonly outages: number;
}

export const NO_TRIES: Tries = { attempts: 0, putOff: 0, putOffSinceMs: null, outages: 0 };

export type Decision =
  | { readonly next: 'again'; readonly waitMs: number; readonly tries: Tries }
  | { readonly next: 'fault'; readonly fault: Fault }
  | { readonly next: 'leave' };

export interface Moment {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
  /** Whether the server turned out to be gone after the failure. */
  readonly serverGone: boolean;
}

const BASE_MS = 200;
const LONGEST_MS = 20_000;
const LONGEST_RETRY_AFTER_MS = 120_000;
// An outage is nobody's fault, but a request that the server dies of each time would be asked for ever.
const MOST_OUTAGES = 10;

/** What to do after a failure. Waits have full jitter; `Retry-After` is honoured; only failures of its own use up tries. */
export function decide(failure: Failure, tries: Tries, policy: RetryPolicy, moment: Moment): Decision {
  switch (failure.kind) {
    case 'cancelled':
      return { next: 'leave' };
    case 'limited':
    case 'overloaded':
      return putOff(failure, tries, policy, moment);
    case 'unreachable':
      return { next: 'again', waitMs: jitter(0, moment), tries };
    case 'refused':
    case 'unauthorized':
    case 'too-long':
    case 'too-large':
      return fault(failure, { ...tries, attempts: tries.attempts + 1 });
    case 'broken':
    case 'cut-off':
    case 'timed-out':
    case 'invalid':
    case 'server-error':
      return moment.serverGone ? outage(failure, tries, moment) : failed(failure, tries, policy, moment);
  }
}

function failed(failure: Failure, tries: Tries, policy: RetryPolicy, moment: Moment): Decision {
  const attempts = tries.attempts + 1;
  if (attempts >= policy.attempts) return fault(failure, { ...tries, attempts });
  const waitMs = Math.max(jitter(attempts, moment), askedFor(failure));
  return { next: 'again', waitMs, tries: { ...tries, attempts } };
}

function outage(failure: Failure, tries: Tries, moment: Moment): Decision {
  const outages = tries.outages + 1;
  if (outages > MOST_OUTAGES) return fault(failure, { ...tries, attempts: tries.attempts + outages });
  return { next: 'again', waitMs: jitter(0, moment), tries: { ...tries, outages } };
}

function putOff(failure: Failure, tries: Tries, policy: RetryPolicy, moment: Moment): Decision {
  const sinceMs = tries.putOffSinceMs ?? moment.nowMs;
  const putOffs = tries.putOff + 1;
  const waitMs = askedFor(failure) + jitter(putOffs, moment);
  if (moment.nowMs + waitMs - sinceMs > policy.patienceMs) {
    return fault(failure, { ...tries, attempts: tries.attempts + putOffs });
  }
  return { next: 'again', waitMs, tries: { ...tries, putOff: putOffs, putOffSinceMs: sinceMs } };
}

function askedFor(failure: Failure): number {
  return Math.min(LONGEST_RETRY_AFTER_MS, failure.retryAfterMs ?? 0);
}

function jitter(tries: number, { random }: Moment): number {
  return random * Math.min(LONGEST_MS, BASE_MS * 2 ** tries);
}

function fault(failure: Failure, { attempts }: Tries): Decision {
  const status = failure.status === 0 ? '' : `HTTP ${String(failure.status)}: `;
  const detail = `${status}${failure.detail}`.slice(0, 1_000);
  return { next: 'fault', fault: { reason: reasonOf(failure), detail, attempts } };
}

function reasonOf({ kind }: Failure): Reason {
  switch (kind) {
    case 'limited':
      return 'RATE_LIMITED';
    case 'timed-out':
      return 'TIMED_OUT';
    case 'cut-off':
    case 'invalid':
    case 'too-large':
      return 'RESPONSE_INVALID';
    case 'unauthorized':
      return 'ENDPOINT_UNAUTHORIZED';
    case 'too-long':
      return 'PROMPT_TOO_LONG';
    default:
      return 'REQUEST_FAILED';
  }
}
