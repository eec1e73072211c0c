import { Metadata, status as Code, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { decodeStatus, encodeStatus } from '@assay/proto/status';
import { AssayError, REASONS, type Reason } from '../errors.ts';

const DETAILS = 'grpc-status-details-bin';

const CODES: Readonly<Partial<Record<Reason, Code>>> = {
  UNAUTHENTICATED: Code.UNAUTHENTICATED,
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
const CALLERS: readonly Reason[] = [
  'INVALID_REQUEST',
  'UNKNOWN_TASK',
  'UNKNOWN_MODEL',
  'UNKNOWN_DEVICE',
  'TASK_INVALID',
  'TASK_UNSUPPORTED',
  'TASK_DATA_INVALID',
  'BUNDLE_INVALID',
];

/** Our error as a gRPC status with google.rpc details. What caused it is logged, not sent. */
export function toStatus(
  thrown: unknown,
): Partial<StatusObject> & { readonly code: Code; readonly details: string } {
  const error = AssayError.from(thrown);
  const code = codeOf(error);
  const message =
    error.reason === 'INTERNAL' ? 'an internal fault; the log of the service has its cause' : error.message;
  const metadata = new Metadata();
  const details = encodeStatus({ code, message, reason: error.reason, violations: error.violations });
  // Headers have a limit (8 KiB in many proxies): the status itself is whole even where its details are not.
  if (details.length <= 6_000) metadata.set(DETAILS, Buffer.from(details));
  else
    metadata.set(
      DETAILS,
      Buffer.from(encodeStatus({ code, message: '', reason: error.reason, violations: fitting(error) })),
    );
  return { code, details: message.slice(0, 4_000), metadata };
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
  if (CALLERS.includes(error.reason)) return Code.INVALID_ARGUMENT;
  return error.permanent ? Code.FAILED_PRECONDITION : Code.UNAVAILABLE;
}

const PASSING: readonly Code[] = [
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.UNKNOWN,
  Code.INTERNAL,
];

/** What a call ended with, as our error: the server's own reason where it sent one. */
export function fromServiceError(error: ServiceError, address: string): AssayError {
  const [details] = error.metadata?.get(DETAILS) ?? [];
  const permanent = !PASSING.includes(error.code);
  if (Buffer.isBuffer(details)) {
    const { reason, violations } = decodeStatus(details);
    const known = REASONS.find((candidate) => candidate === reason);
    if (known !== undefined)
      return new AssayError(known, error.details, { violations, permanent, cause: error });
  }
  return new AssayError(reasonOf(error), messageOf(error, address), { permanent, cause: error });
}

function reasonOf(error: ServiceError): Reason {
  switch (error.code) {
    case Code.UNAUTHENTICATED:
      return 'UNAUTHENTICATED';
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
  if (error.code === Code.UNAVAILABLE) return `${address} cannot be reached: ${error.details}`;
  if (error.code === Code.DEADLINE_EXCEEDED) return `${address} did not answer in time`;
  return error.details;
}
