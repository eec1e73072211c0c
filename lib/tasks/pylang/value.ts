import { Float } from './float.ts';

/** A Python value. `number` (a safe integer) and `bigint` (beyond) are `int`; `Float` is `float`; an array is a `list`. */
export type PyValue =
  null | boolean | number | bigint | Float | string | PyValue[] | Tuple | PySet | Map<PyKey, PyValue>;

/** What may be a key of a `dict`; `True` and 1 are one key, as in Python. Floats and tuples as keys are not supported. */
export type PyKey = string | number | bigint | boolean | null;

/** A `dict` whose keys are strings, as JSON gives it. A Map, because objects reorder integer-like keys. */
export type PyDict = Map<string, PyValue>;

/** A Python `tuple`. */
export class Tuple {
  readonly items: PyValue[];

  constructor(items: PyValue[]) {
    this.items = items;
  }
}

/** A Python `set` in insertion order (CPython's own order follows hashes, which strings salt per process). */
export class PySet {
  readonly items: PyValue[];

  constructor(items: PyValue[]) {
    this.items = items;
  }
}

/** True for a dict all of whose keys are strings. */
export function isDict(value: PyValue | undefined): value is PyDict {
  if (!(value instanceof Map)) return false;
  for (const key of value.keys()) if (typeof key !== 'string') return false;
  return true;
}

/** True for a Python `int` that is not a `bool`. */
export function isInt(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** A bigint as the narrowest representation of a Python `int`. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The name that Python's `type(value).__name__` gives. */
export function typeName(value: PyValue): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (isInt(value)) return 'int';
  if (typeof value === 'string') return 'str';
  if (value instanceof Float) return 'float';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Tuple) return 'tuple';
  return value instanceof PySet ? 'set' : 'dict';
}

/** The key under which `dict` holds what equals `key`: `True`, 1 and 1.0 are the same key. */
export function findKey(dict: ReadonlyMap<PyKey, PyValue>, key: PyKey): PyKey | undefined {
  if (dict.has(key)) return key;
  if (key === true || key === false) return dict.has(Number(key)) ? Number(key) : undefined;
  if (key === 0 || key === 1) return dict.has(key === 1) ? key === 1 : undefined;
  return undefined;
}
