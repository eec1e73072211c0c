import { NatsError } from 'nats';
import { AssayError, passing } from '../errors.ts';

/** What JetStream answers when it refuses: its error code (`err_code`), see the server's `errors.json`. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
  readonly code: number;

  constructor(code: number, description: string) {
    super(description);
    this.code = code;
  }
}

/** The codes of JetStream that Assay tells apart. */
export const REFUSED = {
  consumerNotFound: 10014,
  noMessage: 10037,
  noRoomToReserve: 10047,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  storeFailed: 10077,
} as const;

/** The subject holds something already: two codes, the second one while the first write is still being agreed upon. */
export function isWrongSequence(thrown: unknown): boolean {
  return thrown instanceof BrokerRefusal && (thrown.code === 10071 || thrown.code === 10164);
}

export function isRefused(thrown: unknown, code: number): boolean {
  return thrown instanceof BrokerRefusal && thrown.code === code;
}

const NO_ROOM: ReadonlySet<number> = new Set([REFUSED.storeFailed, 10023, REFUSED.noRoomToReserve]);

/** The broker's user has no right to publish there. */
export function forbidden(subject: string): AssayError {
  return new AssayError('UNAUTHENTICATED', `the broker does not let this user publish to ${subject}`);
}

/** The one conversion of what the broker or its client throws. `doing` says what was tried. */
export function toAssayError(thrown: unknown, doing: string): AssayError {
  if (thrown instanceof AssayError) return thrown;
  const message = `${doing}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  if (thrown instanceof BrokerRefusal) {
    if (NO_ROOM.has(thrown.code)) return passing('LEDGER_FULL', message, thrown);
    return passing('BROKER_UNAVAILABLE', `${message} (${String(thrown.code)})`, thrown);
  }
  if (thrown instanceof NatsError) {
    if (thrown.code === 'MAX_PAYLOAD_EXCEEDED') {
      return new AssayError('MESSAGE_TOO_LARGE', message, { cause: thrown });
    }
    if (thrown.code === 'AUTHORIZATION_VIOLATION' || thrown.code === 'AUTHENTICATION_EXPIRED') {
      return new AssayError('UNAUTHENTICATED', message, { cause: thrown });
    }
  }
  return passing('BROKER_UNAVAILABLE', message, thrown);
}
