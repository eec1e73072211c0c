import { PyError } from './error.ts';
import { Float } from './float.ts';
import { type PyValue, isInt, narrow, typeName } from './value.ts';

/** A finite double with so many decimals, rounded half to even on its exact value, as Python's `'%.nf'`. */
export function fixed(value: number, digits: number): string {
  const negative = value < 0 || Object.is(value, -0);
  const text = scaled(Math.abs(value), digits)
    .toString()
    .padStart(digits + 1, '0');
  const point = text.length - digits;
  return (negative ? '-' : '') + text.slice(0, point) + (digits > 0 ? `.${text.slice(point)}` : '');
}

/** Python's `round(value, digits)`: an int stays one, a float too. */
export function pyRound(value: PyValue, digits: number): PyValue {
  if (value instanceof Float) {
    if (!Number.isFinite(value.value) || digits > 323) return value;
    if (digits >= 0) return new Float(Number(fixed(value.value, digits)));
    const tens = 10n ** BigInt(Math.min(-digits, 400));
    const rounded = halfEven(scaled(Math.abs(value.value), 20), tens * 10n ** 20n) * tens;
    return new Float(Number(value.value < 0 ? -rounded : rounded));
  }
  if (!isInt(value) && typeof value !== 'boolean') {
    throw new PyError('TypeError', `type ${typeName(value)} doesn't define __round__ method`);
  }
  const int = BigInt(value);
  if (digits >= 0) return narrow(int);
  const tens = 10n ** BigInt(Math.min(-digits, 400));
  const rounded = halfEven(int < 0n ? -int : int, tens) * tens;
  return narrow(int < 0n ? -rounded : rounded);
}

// |value| × 10^digits as the nearest integer. A double is an integer times a power of two.
function scaled(value: number, digits: number): bigint {
  let exponent = 0;
  let mantissa = value;
  while (!Number.isSafeInteger(mantissa) && mantissa < 2 ** 53) {
    mantissa *= 2;
    exponent += 1;
  }
  return halfEven(BigInt(mantissa) * 10n ** BigInt(digits), 1n << BigInt(exponent));
}

function halfEven(numerator: bigint, denominator: bigint): bigint {
  const whole = numerator / denominator;
  const twice = (numerator - whole * denominator) * 2n;
  if (twice > denominator || (twice === denominator && whole % 2n === 1n)) return whole + 1n;
  return whole;
}
