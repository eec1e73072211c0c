import type { Violation } from '@assay/lib/domain';

/**
 * Every reason that Assay gives, a closed set: `docs/errors.md` lists each with its cause and what to do.
 * A reason is the `ErrorInfo.reason` of an RPC, the `reason` of a job's edge, or of an unscored sample.
 */
export const REASONS = [
  // The request
  'INVALID_REQUEST',
  'UNKNOWN_TASK',
  'UNKNOWN_MODEL',
  'UNKNOWN_DEVICE',
  'TASK_INVALID',
  'TASK_UNSUPPORTED',
  'TASK_DATA_INVALID',
  'BUNDLE_INVALID',
  'BUNDLE_TOO_LARGE',
  'REQUEST_ID_REUSED',
  'MESSAGE_TOO_LARGE',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'NOT_FOUND',
  'NOT_LEADER',
  'JOB_FINISHED',
  'CODE_EXECUTION_REFUSED',
  // The model server
  'ENDPOINT_UNREACHABLE',
  'ENDPOINT_WRONG_MODEL',
  'ENDPOINT_UNAUTHORIZED',
  'CHAT_ONLY_ENDPOINT',
  'LOGPROBS_UNUSABLE',
  'PROMPT_TOO_LONG',
  'SERVER_START_FAILED',
  'SERVER_UNSCHEDULABLE',
  'SERVER_IMAGE_UNAVAILABLE',
  'SERVER_OUT_OF_MEMORY',
  'SERVER_START_STALLED',
  'SERVER_LOST',
  'REQUEST_FAILED',
  'RESPONSE_INVALID',
  'TIMED_OUT',
  'RATE_LIMITED',
  // The weights of a model server
  'WEIGHTS_NO_SPACE',
  'WEIGHTS_NOT_FOUND',
  'WEIGHTS_FORBIDDEN',
  'WEIGHTS_CORRUPT',
  'WEIGHTS_HUB_UNREACHABLE',
  'WEIGHTS_FAILED',
  // The cluster
  'CLUSTER_UNAVAILABLE',
  'CLUSTER_UNAUTHENTICATED',
  'CLUSTER_FORBIDDEN',
  'CLUSTER_QUOTA',
  'CLUSTER_CONFLICT',
  'CLUSTER_REFUSED',
  // Our own parts
  'SANDBOX_FAULT',
  'LEDGER_FULL',
  'LEDGER_TOO_SMALL',
  'BLOB_STORE_FULL',
  'BLOB_MISSING',
  'BROKER_UNAVAILABLE',
  'AUDIT_INCOMPLETE',
  'DATABASE_UNAVAILABLE',
  'CANCELLED',
  'UNAVAILABLE',
  'INTERNAL',
] as const;
export type Reason = (typeof REASONS)[number];

/** The one error type that crosses a boundary. `switch` on `reason`, never on the message. */
export class AssayError extends Error {
  override readonly name = 'AssayError';
  readonly reason: Reason;
  readonly violations: readonly Violation[];
  /** Permanent: trying the same again cannot help. */
  readonly permanent: boolean;

  constructor(
    reason: Reason,
    message: string,
    options: {
      readonly violations?: readonly Violation[];
      readonly permanent?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.violations = options.violations ?? [];
    this.permanent = options.permanent ?? true;
  }

  /** What came out of anywhere, as ours: an `AssayError` as it is, everything else as a passing INTERNAL fault. */
  static from(thrown: unknown): AssayError {
    if (thrown instanceof AssayError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new AssayError('INTERNAL', message, { permanent: false, cause: thrown });
  }
}

export function isPermanent(thrown: unknown): boolean {
  return thrown instanceof AssayError && thrown.permanent;
}

/** A passing fault of the outside: the work is tried again. */
export function passing(reason: Reason, message: string, cause?: unknown): AssayError {
  return new AssayError(reason, message, { permanent: false, cause });
}
