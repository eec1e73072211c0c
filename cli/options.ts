import { AssayError } from '@assay/lib/errors';

/**
 * `--gen-kwargs`: a JSON object, or `name=value,name=value` as lm-evaluation-harness takes it, where a value that is
 * JSON (a number, true, false, null, a quoted string) is read as such and anything else is text.
 */
export function parseGenKwargs(text: string): Record<string, unknown> {
  if (text.trim().startsWith('{')) {
    const value = jsonOr(text, undefined);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw wrong('--gen-kwargs', 'is not a JSON object');
  }
  return Object.fromEntries(
    text.split(',').map((part) => {
      const at = part.indexOf('=');
      const name = part.slice(0, at).trim();
      if (at < 0 || name === '')
        throw wrong('--gen-kwargs', `"${part}" is not name=value; an example: temperature=0,max_gen_toks=64`);
      const value = part.slice(at + 1).trim();
      if (value === 'True' || value === 'False') return [name, value === 'True'];
      return [name, jsonOr(value, value)];
    }),
  );
}

const INT32_MAX = 2 ** 31 - 1;

/** A whole number from `min` to `max`; what the messages' int32 holds by default. */
export function parseWhole(flag: string, text: string, min = -INT32_MAX, max = INT32_MAX): number {
  const number = Number(text);
  if (/^-?\d+$/.test(text) && number >= min && number <= max) return number;
  throw wrong(flag, `"${text}" is not a whole number from ${min} to ${max}`);
}

/** Names separated by commas. */
export function parseNames(flag: string, text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw wrong(flag, 'names nothing');
  return names;
}

/** A wrong use of the command line: exit code 2. */
export function wrong(field: string, message: string): AssayError {
  return new AssayError('INVALID_REQUEST', `${field} ${message}`);
}

/** Collects what is wrong with single options, so that all of it is said at once. */
export class Usage {
  readonly #problems: string[] = [];

  /** What `read` makes of a given option; undefined when it is not given, or wrong. */
  read<T>(text: string | undefined, read: (text: string) => T): T | undefined {
    if (text === undefined) return undefined;
    try {
      return read(text);
    } catch (error) {
      this.#problems.push(AssayError.from(error).message);
      return undefined;
    }
  }

  refuse(when: boolean, problem: string): void {
    if (when) this.#problems.push(problem);
  }

  /** Throws when anything was wrong. */
  check(): void {
    if (this.#problems.length > 0) throw new AssayError('INVALID_REQUEST', this.#problems.join('; '));
  }
}

function jsonOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}
