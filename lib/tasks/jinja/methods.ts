import { findItem } from '../pylang/dict.ts';
import { pyEquals, PyError, type PyValue, Tuple } from '../pylang/index.ts';
import type { PyKey } from '../pylang/value.ts';
import { hasMethod } from './access.ts';
import { type Callable, define, type Given, needInt } from './arguments.ts';
import { TEXT_METHODS } from './methods-text.ts';
import { Lazy, Loop, plain, Undefined, type Value, valueType, viewText } from './value.ts';

type Dict = Map<PyKey, PyValue>;

const LIST_METHODS: ReadonlyMap<string, Callable<PyValue[], Value>> = new Map<
  string,
  Callable<PyValue[], Value>
>([
  ['index', define(['value', 'start', 'stop'], 1, listIndex)],
  ['count', define(['value'], 1, listCount)],
  ['copy', define([], 0, (items: PyValue[]) => [...items])],
]);

const DICT_METHODS: ReadonlyMap<string, Callable<Dict, Value>> = new Map<string, Callable<Dict, Value>>([
  ['get', define(['key', 'default'], 1, get)],
  ['keys', define([], 0, (dict) => view('dict_keys', [...dict.keys()]))],
  ['values', define([], 0, (dict) => view('dict_values', [...dict.values()]))],
  ['items', define([], 0, (dict) => view('dict_items', pairs(dict)))],
  ['copy', define([], 0, (dict) => new Map(dict))],
]);

const LOOP_METHODS: ReadonlyMap<string, Callable<Loop, Value>> = new Map<string, Callable<Loop, Value>>([
  ['cycle', (loop, given) => loop.cycle(given.positional.map(plain))],
  ['changed', (loop, given) => loop.changed(given.positional.map(plain))],
]);

/** True for a method that some type of value has. */
export function isMethod(name: string): boolean {
  return [TEXT_METHODS, LIST_METHODS, DICT_METHODS, LOOP_METHODS].some((methods) => methods.has(name));
}

/** `value.name(…)`. */
export function callMethod(value: Value, name: string, given: Given): Value {
  if (typeof value === 'string') return call(TEXT_METHODS, value, name, given, value);
  if (Array.isArray(value)) return call(LIST_METHODS, value, name, given, value);
  if (value instanceof Map) return call(DICT_METHODS, value, name, given, value);
  if (value instanceof Loop) return call(LOOP_METHODS, value, name, given, value);
  if (value instanceof Tuple && name !== 'copy') return call(LIST_METHODS, value.items, name, given, value);
  if (value instanceof Undefined) throw value.fault();
  throw noMethod(value, name);
}

/** A dict's items as tuples. */
export function pairs(dict: ReadonlyMap<PyKey, PyValue>): PyValue[] {
  return Array.from(dict, ([key, value]) => new Tuple([key, value]));
}

function call<Subject>(
  methods: ReadonlyMap<string, Callable<Subject, Value>>,
  subject: Subject,
  name: string,
  given: Given,
  value: Value,
): Value {
  const method = methods.get(name);
  if (method === undefined) throw noMethod(value, name);
  return method(subject, given);
}

function noMethod(value: Value, name: string): PyError {
  if (hasMethod(value, name))
    return new PyError('Unsupported', `the method '${name}' of ${valueType(value)}`);
  if (value instanceof Map && value.has(name)) {
    return new PyError('TypeError', `'${valueType(value.get(name) ?? null)}' object is not callable`);
  }
  return new Undefined(`'${valueType(value)} object' has no attribute '${name}'`).fault();
}

function get(dict: Dict, key: PyValue = null, otherwise: PyValue = null): PyValue {
  const found = findItem(dict, key);
  return found === undefined ? otherwise : found; // not ??: a value may be None
}

function view(type: string, items: PyValue[]): Lazy {
  return new Lazy(type, items, viewText(type, items));
}

function listIndex(items: PyValue[], value: PyValue = null, start?: PyValue, stop?: PyValue): number {
  const bound = (at: number): number => (at < 0 ? Math.max(0, at + items.length) : at);
  const from = start === undefined ? 0 : bound(needInt(start, 'start'));
  const to = stop === undefined ? items.length : bound(needInt(stop, 'stop'));
  const found = items.findIndex((item, at) => at >= from && at < to && pyEquals(item, value));
  if (found === -1) throw new PyError('ValueError', `${describe(value)} is not in list`);
  return found;
}

function listCount(items: PyValue[], value: PyValue = null): number {
  return items.filter((item) => pyEquals(item, value)).length;
}

function describe(value: PyValue): string {
  return typeof value === 'string' ? `'${value}'` : valueType(value);
}
