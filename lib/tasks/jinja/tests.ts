import { Float, pyCompare, pyEquals, PyError, pyStr, type PyValue, PySet, Tuple } from '../pylang/index.ts';
import { arithmetic } from '../pylang/arithmetic.ts';
import { pyContains } from '../pylang/sequence.ts';
import { isInt } from '../pylang/value.ts';
import { type Callable, define } from './arguments.ts';
import { iterate, Lazy, Loop, Namespace, plain, truthy, Undefined, type Value } from './value.ts';

export type Test = Callable<Value, boolean>;

/** Tests of Jinja that this engine does not have. */
export const UNSUPPORTED_TESTS: ReadonlySet<string> = new Set(['callable', 'escaped', 'filter', 'test']);

const unary = (test: (value: Value) => boolean): Test => define([], 0, test);
const binary = (test: (value: PyValue, other: PyValue) => boolean): Test =>
  define(['other'], 1, (value: Value, other = null) => test(plain(value), other));

const equal = binary(pyEquals);
const unequal = binary((value, other) => !pyEquals(value, other));
const less = binary((value, other) => pyCompare(value, other) < 0);
const lessOrEqual = binary((value, other) => pyCompare(value, other, '<=') <= 0);
const greater = binary((value, other) => pyCompare(value, other, '>') > 0);
const greaterOrEqual = binary((value, other) => pyCompare(value, other, '>=') >= 0);

/** The tests behind `is`, by name. */
export const TESTS: ReadonlyMap<string, Test> = new Map([
  ['defined', unary((value) => !(value instanceof Undefined))],
  ['undefined', unary((value) => value instanceof Undefined)],
  ['none', unary((value) => value === null)],
  ['boolean', unary((value) => typeof value === 'boolean')],
  ['true', unary((value) => value === true)],
  ['false', unary((value) => value === false)],
  ['integer', unary((value) => isInt(value))],
  ['float', unary((value) => value instanceof Float)],
  ['number', unary((value) => isInt(value) || typeof value === 'boolean' || value instanceof Float)],
  ['string', unary((value) => typeof value === 'string')],
  ['mapping', unary((value) => value instanceof Map)],
  ['sequence', unary(isSequence)],
  ['iterable', unary(isIterable)],
  ['odd', unary((value) => pyEquals(arithmetic('%', plain(value), 2), 1))],
  ['even', unary((value) => pyEquals(arithmetic('%', plain(value), 2), 0))],
  ['divisibleby', binary((value, by) => pyEquals(arithmetic('%', value, by), 0))],
  ['lower', unary((value) => hasOnly(value, /\p{Ll}/u, /[\p{Lu}\p{Lt}]/u))],
  ['upper', unary((value) => hasOnly(value, /\p{Lu}/u, /[\p{Ll}\p{Lt}]/u))],
  ['in', define(['seq'], 1, (value: Value, seq = null) => pyContains(seq, plain(value)))],
  ['sameas', binary(isSame)],
  ['eq', equal],
  ['equalto', equal],
  ['==', equal],
  ['ne', unequal],
  ['!=', unequal],
  ['lt', less],
  ['lessthan', less],
  ['<', less],
  ['le', lessOrEqual],
  ['<=', lessOrEqual],
  ['gt', greater],
  ['greaterthan', greater],
  ['>', greater],
  ['ge', greaterOrEqual],
  ['>=', greaterOrEqual],
]);

function isSequence(value: Value): boolean {
  if (value instanceof Lazy) return value.type === 'range';
  return typeof value === 'string' || Array.isArray(value) || value instanceof Tuple || value instanceof Map;
}

function isIterable(value: Value): boolean {
  if (value instanceof Undefined) throw value.fault();
  if (value instanceof Namespace) return false;
  return value instanceof Loop || value instanceof Lazy || value instanceof PySet || isSequence(value);
}

function hasOnly(value: Value, some: RegExp, none: RegExp): boolean {
  const text = pyStr(plain(value));
  return some.test(text) && !none.test(text);
}

// Identity of small values follows CPython's cached objects; that of others depends on its memory.
function isSame(value: PyValue, other: PyValue): boolean {
  if (isCached(value) || isCached(other)) return value === other;
  throw new PyError('Unsupported', "the test 'sameas' of other values than none, true and false");
}

function isCached(value: PyValue): boolean {
  return value === null || typeof value === 'boolean';
}

/** The items of `value` that pass, or with `expected` false those that do not. */
export function selectItems(value: Value, test: (item: PyValue) => boolean, expected: boolean): Lazy {
  if (!truthy(value)) return new Lazy('generator', []); // as Jinja: none and false count as empty
  return new Lazy(
    'generator',
    iterate(value).filter((item) => test(item) === expected),
  );
}
