import { AssayError, type Reason } from '@assay/lib/errors';

/** A passing fault of which the hub itself says when to come again. */
export class Later extends AssayError {
  readonly afterMs: number;

  constructor(message: string, afterMs: number) {
    super('WEIGHTS_HUB_UNREACHABLE', message, { permanent: false });
    this.afterMs = afterMs;
  }
}

export interface Refusal {
  readonly status: number;
  /** What was asked for, in words. */
  readonly what: string;
  readonly origin: string;
  /** Whether the hub itself answers, and not a server that it sent us to. */
  readonly own: boolean;
  readonly retryAfter: string | null;
}

const LONGEST_MS = 5 * 60_000;

/** What an answer other than a success means. */
export function hubFault({ status, what, origin, own, retryAfter }: Refusal): AssayError {
  const message = `${origin} answers ${status} for ${what}`;
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : null;
  if (isPassing(status) && seconds !== null) return new Later(message, Math.min(LONGEST_MS, seconds * 1_000));
  // Where the hub sends us is an address that is signed for a while: it gives a new one when it is asked again.
  return new AssayError(reasonOf(status), message, { permanent: own && !isPassing(status) });
}

function isPassing(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status);
}

function reasonOf(status: number): Reason {
  if ([401, 403, 451].includes(status)) return 'WEIGHTS_FORBIDDEN';
  if ([404, 410].includes(status)) return 'WEIGHTS_NOT_FOUND';
  return 'WEIGHTS_HUB_UNREACHABLE';
}
