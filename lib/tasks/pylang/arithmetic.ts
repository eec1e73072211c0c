import { numeric } from './compare.ts';
import { PyError } from './error.ts';
import { Float } from './float.ts';
import { toDouble } from './number.ts';
import { formatPercent } from './printf.ts';
import { type PyValue, Tuple, narrow, typeName } from './value.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Characters, items or bits that one operation may make; templates that ask for more are broken or hostile. */
const LIMIT = 10_000_000;

/** Python's binary arithmetic on numbers, and `+`, `*`, `%` on texts, lists and tuples. */
export function arithmetic(operator: ArithmeticOperator, a: PyValue, b: PyValue): PyValue {
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) {
    if (a instanceof Float || b instanceof Float) {
      return new Float(onFloats(operator, toDouble(left), toDouble(right)));
    }
    return onInts(operator, left, right);
  }
  const result = onSequences(operator, a, b);
  if (result !== undefined) return result;
  if (operator === '+' && typeof a === 'string') {
    throw new PyError('TypeError', `can only concatenate str (not "${typeName(b)}") to str`);
  }
  const shown = operator === '**' ? '** or pow()' : operator;
  throw new PyError(
    'TypeError',
    `unsupported operand type(s) for ${shown}: '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** Python's unary `-`. */
export function negate(value: PyValue): PyValue {
  if (value instanceof Float) return new Float(-value.value);
  const number = numeric(value);
  if (number === undefined) {
    throw new PyError('TypeError', `bad operand type for unary -: '${typeName(value)}'`);
  }
  return typeof number === 'bigint' ? narrow(-number) : 0 - number;
}

/** Python's unary `+`. */
export function positive(value: PyValue): PyValue {
  if (value instanceof Float) return value;
  const number = numeric(value);
  if (number === undefined) {
    throw new PyError('TypeError', `bad operand type for unary +: '${typeName(value)}'`);
  }
  return number;
}

function onSequences(operator: ArithmeticOperator, a: PyValue, b: PyValue): PyValue | undefined {
  if (operator === '+') {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items]);
  }
  if (operator === '%' && typeof a === 'string') return formatPercent(a, b);
  return operator === '*' ? (repeat(a, b) ?? repeat(b, a)) : undefined;
}

function repeat(sequence: PyValue, times: PyValue): PyValue | undefined {
  const factor = numeric(times);
  if (factor === undefined || times instanceof Float) return undefined;
  const items = sequence instanceof Tuple ? sequence.items : sequence;
  if (typeof items !== 'string' && !Array.isArray(items)) return undefined;
  const count = Math.max(0, Number(factor));
  limit(items.length * count, 'a sequence');
  if (typeof items === 'string') return items.repeat(count);
  const repeated = Array.from({ length: count }, () => items).flat();
  return sequence instanceof Tuple ? new Tuple(repeated) : repeated;
}

function onInts(operator: ArithmeticOperator, a: number | bigint, b: number | bigint): PyValue {
  if ((operator === '/' || operator === '//' || operator === '%') && b == 0) {
    const what = operator === '/' ? 'division by zero' : 'integer division or modulo by zero';
    throw new PyError('ZeroDivisionError', operator === '%' ? 'integer modulo by zero' : what);
  }
  if (operator === '/') return new Float(toDouble(a) / toDouble(b));
  if (operator === '**') return power(a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    const result = smallInts(operator, a, b);
    if (Number.isSafeInteger(result)) return result + 0;
  }
  return narrow(bigInts(operator, BigInt(a), BigInt(b)));
}

type Closed = Exclude<ArithmeticOperator, '/' | '**'>;

function smallInts(operator: Closed, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '//':
      return (a - modulo(a, b)) / b;
    case '%':
      return modulo(a, b);
  }
}

function bigInts(operator: Closed, a: bigint, b: bigint): bigint {
  const rest = operator === '//' || operator === '%' ? ((a % b) + b) % b : 0n;
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '//':
      return (a - rest) / b;
    case '%':
      return rest;
  }
}

// The remainder takes the sign of the divisor; for floats a zero does as well.
function modulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 || Object.is(b, -0) ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}

function power(base: number | bigint, exponent: number | bigint): PyValue {
  if (exponent < 0) {
    if (base == 0) throw new PyError('ZeroDivisionError', '0.0 cannot be raised to a negative power');
    return new Float(toDouble(base) ** toDouble(exponent));
  }
  const bits = BigInt(base).toString(2).length;
  limit(bits < 3 && base >= -1 && base <= 1 ? 1 : bits * Number(exponent), 'an int');
  return narrow(BigInt(base) ** BigInt(exponent));
}

function onFloats(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      if (b === 0) throw new PyError('ZeroDivisionError', 'float division by zero');
      return a / b;
    case '//':
      if (b === 0) throw new PyError('ZeroDivisionError', 'float floor division by zero');
      return floorDivide(a, b);
    case '%':
      if (b === 0) throw new PyError('ZeroDivisionError', 'float modulo');
      return modulo(a, b);
    case '**':
      return floatPower(a, b);
  }
}

// As CPython's float_divmod: the quotient comes from the remainder, so that both agree.
function floorDivide(a: number, b: number): number {
  const rest = modulo(a, b);
  const quotient = (a - rest) / b;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

function floatPower(a: number, b: number): number {
  if (a === 0 && b < 0) {
    throw new PyError('ZeroDivisionError', '0.0 cannot be raised to a negative power');
  }
  if (a === 1 || b === 0 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b))) return 1;
  if (a < 0 && Number.isFinite(a) && Number.isFinite(b) && !Number.isInteger(b)) {
    throw new PyError('Unsupported', 'a complex number (a root of a negative number)');
  }
  const result = a ** b;
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b)) {
    throw new PyError('OverflowError', 'Numerical result out of range');
  }
  return result;
}

/** Refuses what would be larger than any real template makes. */
export function limit(size: number, what: string): void {
  if (size > LIMIT) throw new PyError('Unsupported', `${what} of a size over ${LIMIT}`);
}
