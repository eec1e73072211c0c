export class SetupError extends Error {}
export class Interrupted extends Error {}
export function adviceFor(
  what: string,
  result: { output: string; code: number | null; signal: string | null },
  log: string,
): SetupError;
export function adviceForError(what: string, error: unknown, log: string): SetupError | Interrupted;
