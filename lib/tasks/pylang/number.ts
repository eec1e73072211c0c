import { PyError } from './error.ts';
import { Float } from './float.ts';
import { pyRepr } from './repr.ts';
import { stripText } from './text.ts';
import { type PyValue, isInt, narrow, typeName } from './value.ts';

const DECIMAL_FLOAT = /^[+-]?(?:\d+(?:_\d+)*)?(?:\.(?:\d+(?:_\d+)*)?)?(?:e[+-]?\d+(?:_\d+)*)?$/i;
const SPECIAL_FLOAT = /^([+-]?)(?:inf(?:inity)?|(nan))$/i;
const PREFIXES: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16 };

/** Python's `int(value)`, for texts `int(value, base)`; PyError(ValueError, TypeError, OverflowError) as Python. */
export function pyToInt(value: PyValue, base = 10): number | bigint {
  if (isInt(value)) return value;
  if (typeof value === 'boolean') return Number(value);
  if (value instanceof Float) return truncate(value.value);
  if (typeof value === 'string') return parseInteger(value, base);
  throw new PyError(
    'TypeError',
    `int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`,
  );
}

/** Python's `float(value)`. */
export function pyToFloat(value: PyValue): number {
  if (value instanceof Float) return value.value;
  if (isInt(value) || typeof value === 'boolean') return toDouble(value);
  if (typeof value === 'string') return parseFloatText(value);
  throw new PyError(
    'TypeError',
    `float() argument must be a string or a real number, not '${typeName(value)}'`,
  );
}

/** An int as the nearest double; PyError(OverflowError) when there is none. */
export function toDouble(value: number | bigint | boolean): number {
  const double = Number(value);
  if (typeof value === 'bigint' && !Number.isFinite(double)) {
    throw new PyError('OverflowError', 'int too large to convert to float');
  }
  return double;
}

/** A float without its fraction, as an int. */
export function truncate(value: number): number | bigint {
  if (Number.isNaN(value)) throw new PyError('ValueError', 'cannot convert float NaN to integer');
  if (!Number.isFinite(value)) {
    throw new PyError('OverflowError', 'cannot convert float infinity to integer');
  }
  return narrow(BigInt(Math.trunc(value)));
}

function parseInteger(text: string, base: number): number | bigint {
  const fault = (): PyError =>
    new PyError('ValueError', `invalid literal for int() with base ${base}: ${pyRepr(text)}`);
  const match = /^([+-]?)(.*)$/su.exec(asciiDigits(stripText(text)));
  let digits = match?.[2] ?? '';
  let radix = base;
  const prefixed = /^0([box])_?(.*)$/isu.exec(digits);
  const prefixBase = PREFIXES[prefixed?.[1]?.toLowerCase() ?? ''];
  if (prefixBase !== undefined && (base === 0 || base === prefixBase)) {
    radix = prefixBase;
    digits = prefixed?.[2] ?? '';
  } else if (base === 0) {
    if (/^0[0_]*[1-9]/.test(digits)) throw fault();
    radix = 10;
  }
  if (!/^[0-9a-z]+(?:_[0-9a-z]+)*$/i.test(digits)) throw fault();
  let value = 0n;
  for (const character of digits.replaceAll('_', '')) {
    const digit = Number.parseInt(character, 36);
    if (digit >= radix) throw fault();
    value = value * BigInt(radix) + BigInt(digit);
  }
  return narrow(match?.[1] === '-' ? -value : value);
}

function parseFloatText(text: string): number {
  const trimmed = asciiDigits(stripText(text));
  const special = SPECIAL_FLOAT.exec(trimmed);
  if (special !== null) {
    if (special[2] !== undefined) return Number.NaN;
    return special[1] === '-' ? -Infinity : Infinity;
  }
  if (!DECIMAL_FLOAT.test(trimmed) || !/^[+-]?\.?\d/.test(trimmed)) {
    throw new PyError('ValueError', `could not convert string to float: ${pyRepr(text)}`);
  }
  return Number(trimmed.replaceAll('_', ''));
}

// Unicode has its decimal digits in runs of ten, each run beginning with its zero.
function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    if (code < 0x80) return digit;
    let value = 0;
    while (value < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(code - value - 1))) value += 1;
    return String(code >= 0x1d7ce && code <= 0x1d7ff ? (code - 0x1d7ce) % 10 : value);
  });
}
