import { arithmetic } from '../pylang/arithmetic.ts';
import { pyCompare, pyEquals, PyError, pyTruthy, type PyValue } from '../pylang/index.ts';
import { typeName } from '../pylang/value.ts';
import { getItem } from './access.ts';
import { type Callable, define, needInt } from './arguments.ts';
import { pairs } from './methods.ts';
import { iterate, Lazy, length, plain, text, Undefined, type Value } from './value.ts';

/** Filters on sequences, and `default`. */
export const SEQUENCE_FILTERS: readonly (readonly [string, Callable])[] = [
  ['length', define([], 0, length)],
  ['count', define([], 0, length)],
  ['list', define([], 0, (value: Value) => [...iterate(value)])],
  ['join', define(['d', 'attribute'], 0, join)],
  ['first', define([], 0, first)],
  ['last', define([], 0, last)],
  ['reverse', define([], 0, reverse)],
  ['sort', define(['reverse', 'case_sensitive', 'attribute'], 0, sort)],
  ['unique', define(['case_sensitive', 'attribute'], 0, unique)],
  [
    'min',
    define(['case_sensitive', 'attribute'], 0, (value: Value, cased, by) => extreme(value, cased, by, -1)),
  ],
  [
    'max',
    define(['case_sensitive', 'attribute'], 0, (value: Value, cased, by) => extreme(value, cased, by, 1)),
  ],
  ['sum', define(['attribute', 'start'], 0, sum)],
  ['items', define([], 0, items)],
  ['dictsort', define(['case_sensitive', 'by', 'reverse'], 0, dictSort)],
  ['batch', define(['linecount', 'fill_with'], 1, batch)],
  ['default', define(['default_value', 'boolean'], 0, otherwise)],
  ['d', define(['default_value', 'boolean'], 0, otherwise)],
];

type Key = (item: PyValue) => PyValue;

/** Jinja's attribute getter: `a.b.0` goes step by step, an int is an index. */
export function attributeGetter(attribute: PyValue, fallback?: PyValue): Key {
  const path: PyValue[] =
    typeof attribute === 'string'
      ? attribute.split('.').map((part) => (/^[0-9]+$/.test(part) ? Number(part) : part))
      : [attribute];
  return (item) => {
    let value: Value = item;
    for (const part of path) {
      value = getItem(value, part);
      if (value instanceof Undefined && fallback !== undefined && fallback !== null) value = fallback;
    }
    return plain(value);
  };
}

// Letters count without their case unless told otherwise.
function sortKey(cased: PyValue | undefined, attribute: PyValue | undefined): Key {
  const get =
    attribute === undefined || attribute === null ? (item: PyValue) => item : attributeGetter(attribute);
  const fold = cased === undefined || !pyTruthy(cased);
  return (item) => {
    const key = get(item);
    return fold && typeof key === 'string' ? key.toLowerCase() : key;
  };
}

function sorted(values: readonly PyValue[], key: Key, descending: boolean): PyValue[] {
  const keyed = values.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => (descending ? pyCompare(b.key, a.key) : pyCompare(a.key, b.key)) || 0);
  return keyed.map(({ item }) => item);
}

function join(value: Value, by: PyValue = '', attribute?: PyValue): string {
  const get =
    attribute === undefined || attribute === null ? (item: PyValue) => item : attributeGetter(attribute);
  return iterate(value)
    .map((item) => text(get(item)))
    .join(text(by));
}

function first(value: Value): Value {
  const [item] = iterate(value);
  return item === undefined ? new Undefined('No first item, sequence was empty.') : item;
}

function last(value: Value): Value {
  if (value instanceof Lazy && value.length === undefined) {
    throw new PyError('TypeError', `'${value.type}' object is not reversible`);
  }
  const item = iterate(value).at(-1);
  return item === undefined ? new Undefined('No last item, sequence was empty.') : item;
}

function reverse(value: Value): Value {
  const backwards = iterate(value).toReversed();
  return typeof value === 'string'
    ? backwards.map(text).join('')
    : new Lazy('list_reverseiterator', backwards);
}

function sort(value: Value, descending?: PyValue, cased?: PyValue, attribute?: PyValue): PyValue {
  const attributes =
    typeof attribute === 'string' && attribute.includes(',') ? attribute.split(',') : [attribute];
  const keys = attributes.map((one) => sortKey(cased, one));
  const [only] = keys;
  const key: Key = only !== undefined && keys.length === 1 ? only : (item) => keys.map((one) => one(item));
  return sorted(iterate(value), key, descending !== undefined && pyTruthy(descending));
}

function unique(value: Value, cased?: PyValue, attribute?: PyValue): Value {
  const key = sortKey(cased, attribute);
  const seen: PyValue[] = [];
  const kept = iterate(value).filter((item) => {
    const one = key(item);
    if (Array.isArray(one) || one instanceof Map) {
      throw new PyError('TypeError', `unhashable type: '${typeName(one)}'`);
    }
    if (seen.some((other) => pyEquals(other, one))) return false;
    seen.push(one);
    return true;
  });
  return new Lazy('generator', kept);
}

function extreme(value: Value, cased: PyValue | undefined, by: PyValue | undefined, sign: 1 | -1): Value {
  const key = sortKey(cased, by);
  let best: PyValue | undefined;
  for (const item of iterate(value)) {
    const better = best === undefined || pyCompare(key(item), key(best), sign < 0 ? '<' : '>') * sign > 0;
    if (better) best = item;
  }
  return best === undefined ? new Undefined('No aggregated item, sequence was empty.') : best;
}

function sum(value: Value, attribute?: PyValue, start: PyValue = 0): PyValue {
  const get =
    attribute === undefined || attribute === null ? (item: PyValue) => item : attributeGetter(attribute);
  if (typeof start === 'string') throw new PyError('TypeError', "sum() can't sum strings");
  return iterate(value).reduce<PyValue>((total, item) => arithmetic('+', total, get(item)), start);
}

function items(value: Value): Value {
  if (value instanceof Undefined) return new Lazy('generator', []);
  const data = plain(value);
  if (!(data instanceof Map)) throw new PyError('TypeError', 'Can only get item pairs from a mapping.');
  return new Lazy('generator', pairs(data));
}

function dictSort(value: Value, cased?: PyValue, by: PyValue = 'key', descending?: PyValue): PyValue {
  const data = plain(value);
  if (!(data instanceof Map)) throw new PyError('TypeError', `'${typeName(data)}' object has no items`);
  if (by !== 'key' && by !== 'value') {
    throw new PyError('ValueError', 'You can only sort by either "key" or "value"');
  }
  const key = sortKey(cased, by === 'key' ? 0 : 1);
  return sorted(pairs(data), key, descending !== undefined && pyTruthy(descending));
}

function batch(value: Value, count?: PyValue, fill?: PyValue): Value {
  const size = Math.max(1, needInt(count, 'linecount'));
  const all = iterate(value);
  const rows = Array.from({ length: Math.ceil(all.length / size) }, (_, row) =>
    all.slice(row * size, (row + 1) * size),
  );
  if (fill !== undefined && fill !== null) {
    const missing = rows.length * size - all.length;
    rows.at(-1)?.push(...Array.from({ length: missing }, () => fill));
  }
  return new Lazy('generator', rows);
}

function otherwise(value: Value, fallback: PyValue = '', boolean: PyValue = false): Value {
  if (value instanceof Undefined) return fallback;
  return pyTruthy(boolean) && !pyTruthy(plain(value)) ? fallback : value;
}
