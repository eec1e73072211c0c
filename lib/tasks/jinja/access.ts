import { findItem } from '../pylang/dict.ts';
import { PyError, type PyValue, pyRepr, pyStr } from '../pylang/index.ts';
import { pyIndex, type Slice, pySlice } from '../pylang/sequence.ts';
import { Lazy, Loop, Namespace, plain, Undefined, type Value, valueType } from './value.ts';

const DICT_METHODS = 'clear copy fromkeys get items keys pop popitem setdefault update values';
const LIST_METHODS = 'append clear copy count extend index insert pop remove reverse sort';
const TEXT_METHODS =
  'capitalize casefold center count encode endswith expandtabs find format format_map index isalnum isalpha isascii ' +
  'isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip ' +
  'maketrans partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines ' +
  'startswith strip swapcase title translate upper zfill';
const METHODS: Readonly<Record<string, ReadonlySet<string>>> = {
  dict: new Set(DICT_METHODS.split(' ')),
  list: new Set(LIST_METHODS.split(' ')),
  tuple: new Set(['count', 'index']),
  str: new Set(TEXT_METHODS.split(' ')),
};

/** True when Python's type of the value has such a method, whether this engine has it or not. */
export function hasMethod(value: Value, name: string): boolean {
  return METHODS[valueType(value)]?.has(name) ?? false;
}

/** Jinja's `value.name`: the attribute, else the item of that key, else undefined. */
export function getAttribute(value: Value, name: string): Value {
  if (value instanceof Undefined) throw value.fault();
  if (value instanceof Loop) return orMissing(value.attribute(name), value, name);
  if (value instanceof Namespace) return orMissing(value.attributes.get(name), value, name);
  if (hasMethod(value, name)) throw bareMethod(name);
  return orMissing(value instanceof Map ? value.get(name) : undefined, value, name);
}

/** Jinja's `value[key]`: the item, else for a text the attribute of that name, else undefined. */
export function getItem(value: Value, key: PyValue): Value {
  if (value instanceof Undefined) throw value.fault();
  if (value instanceof Loop || value instanceof Namespace) {
    return typeof key === 'string' ? getAttribute(value, key) : missing(value, key);
  }
  if (value instanceof Lazy) return orMissing(lazyItem(value, key), value, key);
  const item = value instanceof Map ? dictItem(value, key) : pyIndex(value, key);
  if (item === undefined && typeof key === 'string' && hasMethod(value, key)) throw bareMethod(key);
  return orMissing(item, value, key);
}

/** Jinja's `value[start:stop:step]`. */
export function getSlice(value: Value, slice: Slice): Value {
  if (value instanceof Lazy && value.type === 'range') {
    throw new PyError('Unsupported', 'a slice of a range (for a list add |list)');
  }
  const data = value instanceof Lazy ? undefined : pySlice(plain(value), slice);
  if (data !== undefined) return data;
  const why =
    value instanceof Map ? "unhashable type: 'slice'" : `'${valueType(value)}' object is not subscriptable`;
  throw new PyError('TypeError', why);
}

// Not `??`: what was found may be None.
function orMissing(found: Value | undefined, value: Value, key: PyValue): Value {
  return found === undefined ? missing(value, key) : found;
}

function dictItem(dict: Extract<PyValue, Map<unknown, unknown>>, key: PyValue): PyValue | undefined {
  try {
    return findItem(dict, key);
  } catch (error) {
    if (error instanceof PyError && error.type === 'TypeError') return undefined; // unhashable: no such item
    throw error;
  }
}

function lazyItem(value: Lazy, key: PyValue): PyValue | undefined {
  return value.type === 'range' ? pyIndex(value.take(), key) : undefined;
}

function missing(value: Value, key: PyValue): Undefined {
  const type = `${valueType(value)} object`;
  if (typeof key === 'string') return new Undefined(`'${type}' has no attribute ${pyRepr(key)}`);
  return new Undefined(`${type} has no element ${pyStr(key)}`);
}

function bareMethod(name: string): PyError {
  return new PyError('Unsupported', `the method '${name}' without a call`);
}
