import { Float, PyError, type PyValue, pyToFloat, pyToInt } from '../pylang/index.ts';
import { negate } from '../pylang/arithmetic.ts';
import { numeric } from '../pylang/compare.ts';
import { truncate } from '../pylang/number.ts';
import { pyRound } from '../pylang/round.ts';
import { typeName } from '../pylang/value.ts';
import { type Callable, define, needInt } from './arguments.ts';
import { plain, type Value } from './value.ts';

/** Filters that make a number. */
export const NUMBER_FILTERS: readonly (readonly [string, Callable])[] = [
  ['int', define(['default', 'base'], 0, toInt)],
  ['float', define(['default'], 0, toFloat)],
  ['abs', define([], 0, absolute)],
  ['round', define(['precision', 'method'], 0, round)],
];

function toInt(value: Value, otherwise: PyValue = 0, base: PyValue = 10): PyValue {
  const data = plain(value);
  try {
    return pyToInt(data, needInt(base, 'base'));
  } catch (error) {
    if (!isFault(error, ['TypeError', 'ValueError'])) throw error;
  }
  try {
    return truncate(pyToFloat(data));
  } catch (error) {
    if (isFault(error, ['TypeError', 'ValueError', 'OverflowError'])) return otherwise;
    throw error;
  }
}

function toFloat(value: Value, otherwise: PyValue = new Float(0)): PyValue {
  try {
    return new Float(pyToFloat(plain(value)));
  } catch (error) {
    if (isFault(error, ['TypeError', 'ValueError'])) return otherwise;
    throw error;
  }
}

function isFault(error: unknown, types: readonly string[]): boolean {
  return error instanceof PyError && types.includes(error.type);
}

function absolute(value: Value): PyValue {
  const data = plain(value);
  if (data instanceof Float) return new Float(Math.abs(data.value));
  const number = numeric(data);
  if (number === undefined) throw new PyError('TypeError', `bad operand type for abs(): '${typeName(data)}'`);
  return number < 0 ? negate(number) : number;
}

function round(value: Value, precision: PyValue = 0, method: PyValue = 'common'): PyValue {
  const data = plain(value);
  const digits = needInt(precision, 'precision');
  if (method === 'common') return pyRound(data, digits);
  if (method !== 'ceil' && method !== 'floor') {
    throw new PyError('ValueError', 'method must be common, ceil or floor');
  }
  const number = numeric(data);
  if (number === undefined) throw new PyError('TypeError', `must be real number, not ${typeName(data)}`);
  const scale = 10 ** digits;
  return new Float((method === 'ceil' ? Math.ceil : Math.floor)(Number(number) * scale) / scale);
}
