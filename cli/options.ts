import { AssayError } from '@assay/lib/errors';

/**
 * `--gen-kwargs`: a JSON object, or `name=value,name=value` as lm-evaluation-harness takes it, where a value that is
 * JSON (a number, true, false, null, a quoted string, a list, an object) is read as such and anything else is text.
 */
export function parseGenKwargs(text: string): Record<string, unknown> {
  if (text.trim().startsWith('{')) {
    const value = jsonOr(text, undefined);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw wrong('--gen-kwargs', 'is not a JSON object');
  }
  return Object.fromEntries(
    partsOf(text).map((part) => {
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

/** Split at commas, but for those inside a value that is a JSON string, list or object. */
function partsOf(text: string): string[] {
  const pieces = text.split(',');
  const parts: string[] = [];
  while (pieces.length > 0) {
    const most = /=\s*["[{]/.test(pieces[0] ?? '') ? pieces.length : 1;
    let length = 1;
    while (length < most && !endsInJson(pieces.slice(0, length).join(','))) length += 1;
    // A bracket that nothing closes is text.
    if (!endsInJson(pieces.slice(0, length).join(','))) length = 1;
    parts.push(pieces.splice(0, length).join(','));
  }
  return parts;
}

function endsInJson(part: string): boolean {
  return jsonOr(part.slice(part.indexOf('=') + 1), undefined) !== undefined;
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
