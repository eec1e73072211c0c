import { PyError, type PyValue } from '../pylang/index.ts';
import { limit } from '../pylang/arithmetic.ts';
import { setItem } from '../pylang/dict.ts';
import { isInt, type PyKey, typeName } from '../pylang/value.ts';
import type { Given } from './arguments.ts';
import { Lazy, Namespace, plain, type Value } from './value.ts';

/** Jinja's global functions that templates may call. */
export const FUNCTIONS: ReadonlyMap<string, (given: Given) => Value> = new Map<
  string,
  (given: Given) => Value
>([
  ['range', range],
  ['dict', dict],
  ['namespace', (given) => new Namespace(new Map(given.named))],
]);

/** Those that this engine does not have. */
export const UNSUPPORTED_FUNCTIONS: ReadonlySet<string> = new Set([
  'caller',
  'cycler',
  'joiner',
  'lipsum',
  'self',
  'super',
]);

/** True for a name that is there without any scope. */
export function isGlobal(name: string): boolean {
  return FUNCTIONS.has(name) || ['cycler', 'joiner', 'lipsum'].includes(name);
}

function range(given: Given): Value {
  const args = given.positional.map((value) => rangeArgument(plain(value)));
  if (args.length < 1 || args.length > 3 || given.named.size > 0) {
    throw new PyError('TypeError', `range expected 1 to 3 arguments, got ${args.length}`);
  }
  const [first = 0, second, step = 1] = args;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new PyError('ValueError', 'range() arg 3 must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  limit(length, 'a range');
  const items = Array.from({ length }, (_, index) => start + index * step);
  return new Lazy('range', items, `range(${start}, ${stop}${step === 1 ? '' : `, ${step}`})`);
}

function rangeArgument(value: PyValue): number {
  if (isInt(value) || typeof value === 'boolean') return Number(value);
  throw new PyError('TypeError', `'${typeName(value)}' object cannot be interpreted as an integer`);
}

function dict(given: Given): Value {
  const [from] = given.positional.map(plain);
  if (from !== undefined && !(from instanceof Map)) throw new PyError('Unsupported', 'dict() of a sequence');
  const result = new Map<PyKey, PyValue>(from ?? []);
  for (const [name, value] of given.named) setItem(result, name, plain(value));
  return result;
}
