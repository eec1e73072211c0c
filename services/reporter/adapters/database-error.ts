import { DrizzleQueryError } from 'drizzle-orm';
import { AssayError } from '@assay/lib/errors';

/** What a database threw, as DATABASE_UNAVAILABLE: passing, unless `permanent` says that this code never helps itself. */
export function databaseError(
  thrown: unknown,
  permanent: (code: string) => boolean = () => false,
): AssayError {
  if (thrown instanceof AssayError) return thrown;
  const cause = causeOf(thrown);
  return new AssayError('DATABASE_UNAVAILABLE', `the database does not answer: ${wordsOf(cause)}`, {
    permanent: permanent(codeOf(cause)),
    cause,
  });
}

/** The SQLSTATE that a query ended with, or the system's code; empty when there is none. */
export function codeOf(thrown: unknown): string {
  const cause = causeOf(thrown);
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}

// Drizzle's own message repeats the query with all its parameters.
function causeOf(thrown: unknown): unknown {
  return thrown instanceof DrizzleQueryError && thrown.cause !== undefined ? thrown.cause : thrown;
}

// A host with several addresses fails with one error for each, and no words of its own.
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(wordsOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
