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

export function parseWhole(flag: string, text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  throw wrong(flag, `"${text}" is not a whole number`);
}

export function wrong(field: string, message: string): AssayError {
  return new AssayError('INVALID_REQUEST', `${field} ${message}`);
}

function jsonOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}
