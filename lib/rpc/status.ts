import { Metadata, status as Code, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { decodeStatus, encodeStatus } from '@assay/proto/status';
import { AssayError, passing, REASONS, type Reason } from '../errors.ts';

const DETAILS = 'grpc-status-details-bin';

const CODES: Readonly<Partial<Record<Reason, Code>>> = {
  UNAUTHENTICATED: Code.UNAUTHENTICATED,
  PERMISSION_DENIED: Code.PERMISSION_DENIED,
  NOT_FOUND: Code.NOT_FOUND,
  REQUEST_ID_REUSED: Code.ALREADY_EXISTS,
  MESSAGE_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
  BUNDLE_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
  LEDGER_FULL: Code.RESOURCE_EXHAUSTED,
  BLOB_STORE_FULL: Code.RESOURCE_EXHAUSTED,
  RATE_LIMITED: Code.RESOURCE_EXHAUSTED,
  JOB_FINISHED: Code.FAILED_PRECONDITION,
  CODE_EXECUTION_REFUSED: Code.FAILED_PRECONDITION,
  CANCELLED: Code.CANCELLED,
  TIMED_OUT: Code.DEADLINE_EXCEEDED,
  INTERNAL: Code.INTERNAL,
};

/** Reasons that a caller causes; every other permanent one is FAILED_PRECONDITION, every passing one UNAVAILABLE. */
const CALLERS: ReadonlySet<Reason> = new Set([
  'INVALID_REQUEST',
  'UNKNOWN_TASK',
  'UNKNOWN_MODEL',
  'UNKNOWN_DEVICE',
  'TASK_INVALID',
  'TASK_UNSUPPORTED',
  'TASK_DATA_INVALID',
  'BUNDLE_INVALID',
]);

/** Our error as a gRPC status with google.rpc details. What caused it is logged, not sent. */
export function toStatus(
  thrown: unknown,
): Partial<StatusObject> & { readonly code: Code; readonly details: string } {
  const error = AssayError.from(thrown);
  const code = codeOf(error);
  // Half a surrogate pair, from whoever wrote the text, cannot be put into a header.
  const message =
    error.reason === 'INTERNAL'
      ? 'an internal fault; the log of the service has its cause'
      : error.message.toWellFormed();
  const metadata = new Metadata();
  const details = encodeStatus({ code, message, reason: error.reason, violations: error.violations });
  // Headers have a limit (8 KiB in many proxies): the status itself is whole even where its details are not.
  if (details.length <= 6_000) metadata.set(DETAILS, Buffer.from(details));
  else
    metadata.set(
      DETAILS,
      Buffer.from(encodeStatus({ code, message: '', reason: error.reason, violations: fitting(error) })),
    );
  return { code, details: message.slice(0, 4_000).toWellFormed(), metadata };
}

function fitting(error: AssayError): AssayError['violations'] {
  let left = 5_000;
  return error.violations.filter(
    ({ field, message }) => (left -= Buffer.byteLength(field) + Buffer.byteLength(message) + 16) > 0,
  );
}

function codeOf(error: AssayError): Code {
  const own = CODES[error.reason];
  if (own !== undefined) return own;
  if (CALLERS.has(error.reason)) return Code.INVALID_ARGUMENT;
  return error.permanent ? Code.FAILED_PRECONDITION : Code.UNAVAILABLE;
}

const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.UNKNOWN,
  Code.INTERNAL,
]);

/** Refusals that pass by themselves, although their code is one that does not say so. */
const PASSING_REASONS: ReadonlySet<Reason> = new Set(['LEDGER_FULL', 'BLOB_STORE_FULL', 'RATE_LIMITED']);

/**
 * What a call ended with, as our error: the server's own reason where it sent one. `cancelled` says that the caller
 * itself gave the call up: a server that is killed in the middle ends its calls as cancelled too.
 */
export function fromServiceError(error: ServiceError, address: string, cancelled: boolean): AssayError {
  const permanent = !PASSING.has(error.code);
  const sent = sentReason(error);
  if (sent === null && error.code === Code.CANCELLED && !cancelled)
    return passing('UNAVAILABLE', `${address} ended the call: ${error.details}`, error);
  if (sent === null)
    return new AssayError(reasonOf(error), messageOf(error, address), { permanent, cause: error });
  const { reason, violations } = sent;
  return new AssayError(reason, error.details, {
    violations,
    permanent: permanent && !PASSING_REASONS.has(reason),
    cause: error,
  });
}

function sentReason(
  error: ServiceError,
): { readonly reason: Reason; readonly violations: AssayError['violations'] } | null {
  const [details] = error.metadata?.get(DETAILS) ?? [];
  if (!Buffer.isBuffer(details)) return null;
  try {
    const { reason, violations } = decodeStatus(details);
    const known = REASONS.find((candidate) => candidate === reason);
    return known === undefined ? null : { reason: known, violations };
  } catch {
    // Not ours: the code says enough.
    return null;
  }
}

function reasonOf(error: ServiceError): Reason {
  switch (error.code) {
    case Code.UNAUTHENTICATED:
      return 'UNAUTHENTICATED';
    case Code.PERMISSION_DENIED:
      return 'PERMISSION_DENIED';
    case Code.RESOURCE_EXHAUSTED:
      return 'MESSAGE_TOO_LARGE';
    case Code.CANCELLED:
      return 'CANCELLED';
    case Code.DEADLINE_EXCEEDED:
      return 'TIMED_OUT';
    case Code.NOT_FOUND:
      return 'NOT_FOUND';
    case Code.UNAVAILABLE:
      return 'UNAVAILABLE';
    default:
      return 'INTERNAL';
  }
}

function messageOf(error: ServiceError, address: string): string {
  if (error.code === Code.UNAVAILABLE) {
    // The library's account of all its attempts; the last error is what a person can act on.
    const last = /Last error: (?:Error: )?(.+?)(?:\. Resolution note:.*)?$/.exec(error.details)?.[1];
    return `${address} cannot be reached: ${last ?? error.details}`;
  }
  if (error.code === Code.DEADLINE_EXCEEDED) return `${address} did not answer in time`;
  return error.details;
}
