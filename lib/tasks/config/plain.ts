import { Float, type PyDict, type PyValue, PySet, Tuple, pyStr } from '../pylang/index.ts';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** A Python value as plain JSON: floats and ints become numbers, so `1.0` and 1 are no longer told apart. */
export function toPlain(value: PyValue): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (value instanceof Float) return value.value;
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Tuple || value instanceof PySet) return value.items.map(toPlain);
  return Object.fromEntries(Array.from(value, ([key, item]) => [pyStr(key), toPlain(item)]));
}

export function toPlainObject(value: PyDict): Readonly<Record<string, Plain>> {
  return Object.fromEntries(Array.from(value, ([key, item]) => [key, toPlain(item)]));
}

/** Plain JSON as Python values: a number without a fraction is an int. Undefined for what JSON does not have. */
export function fromPlain(value: unknown): PyValue | undefined {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : new Float(value);
  if (Array.isArray(value)) return collect(value.map(fromPlain));
  if (typeof value !== 'object') return undefined;
  const items = collect(Object.values(value).map(fromPlain));
  return items === undefined
    ? undefined
    : new Map(Object.keys(value).map((key, at) => [key, items[at] ?? null]));
}

function collect(items: readonly (PyValue | undefined)[]): PyValue[] | undefined {
  const known = items.filter((item) => item !== undefined);
  return known.length === items.length ? known : undefined;
}
