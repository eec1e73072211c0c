import { AssayError, passing } from '../errors.ts';

/** Most time that a caller waits to be known, for each question. */
export const REVIEW_MS = 5_000;

export function unauthenticated(message: string): AssayError {
  return new AssayError('UNAUTHENTICATED', message);
}

/** Whoever could say it does not answer: the caller is not to blame, and can try again. */
export function undecided(what: string, cause: unknown): AssayError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return passing('UNAVAILABLE', `${what} cannot be checked now: ${why}`, cause);
}
