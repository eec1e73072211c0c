import { numeric } from './compare.ts';
import { PyError } from './error.ts';
import { Float } from './float.ts';
import { toDouble, truncate } from './number.ts';
import { floatRepr, pyRepr, pyStr } from './repr.ts';
import { fixed } from './round.ts';
import { codePointLength } from './text.ts';
import { type PyValue, Tuple, typeName } from './value.ts';

const SPEC = /%(?:\(([^)]*)\))?([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d*))?([hlL]?)([^])?/g;

/** Python's `format % value` with `%s %r %d %i %u %f %F %%`, flags, width and precision; other conversions are Unsupported. */
export function formatPercent(format: string, value: PyValue): string {
  const items = value instanceof Tuple ? value.items : [value];
  let next = 0;
  const take = (key: string | undefined): PyValue => {
    if (key !== undefined) {
      if (!(value instanceof Map)) throw new PyError('TypeError', 'format requires a mapping');
      const found = value.get(key);
      if (found === undefined) throw new PyError('KeyError', pyRepr(key));
      return found;
    }
    const item = items[next];
    if (item === undefined) throw new PyError('TypeError', 'not enough arguments for format string');
    next += 1;
    return item;
  };
  let keyed = false;
  const result = format.replace(SPEC, (all, key, flags, width, precision, _size, kind) => {
    if (kind === '%' && key === undefined) return '%';
    keyed ||= key !== undefined;
    if (width === '*' || precision === '*') throw new PyError('Unsupported', `the format ${all}`);
    const digits = precision === undefined ? undefined : Number(precision);
    return pad(convert(all, kind, take(key), digits, flags), flags, Number(width ?? 0), kind);
  });
  const subscriptable = Array.isArray(value) || value instanceof Map;
  if (!keyed && next < items.length && !subscriptable) {
    throw new PyError('TypeError', 'not all arguments converted during string formatting');
  }
  return result;
}

function convert(
  spec: string,
  kind: string | undefined,
  value: PyValue,
  precision: number | undefined,
  flags: string,
): string {
  switch (kind) {
    case undefined:
      throw new PyError('ValueError', 'incomplete format');
    case 's':
    case 'r': {
      const text = kind === 's' ? pyStr(value) : pyRepr(value);
      return precision === undefined ? text : Array.from(text).slice(0, precision).join('');
    }
    case 'd':
    case 'i':
    case 'u':
      return sign(wholeText(kind, value).padStart(precision ?? 0, '0'), flags);
    case 'f':
    case 'F':
      return sign(floatText(value, precision ?? 6), flags);
    default:
      throw new PyError('Unsupported', `the format ${spec}`);
  }
}

function wholeText(kind: string, value: PyValue): string {
  const number = numeric(value);
  if (number === undefined) {
    throw new PyError('TypeError', `%${kind} format: a real number is required, not ${typeName(value)}`);
  }
  return String(value instanceof Float ? truncate(value.value) : number);
}

function floatText(value: PyValue, digits: number): string {
  const number = numeric(value);
  if (number === undefined) {
    throw new PyError('TypeError', `must be real number, not ${typeName(value)}`);
  }
  const double = toDouble(number);
  return Number.isFinite(double) ? fixed(double, digits) : floatRepr(double);
}

function sign(text: string, flags: string): string {
  if (text.startsWith('-')) return text;
  return (flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '') + text;
}

function pad(text: string, flags: string, width: number, kind: string | undefined): string {
  const missing = width - codePointLength(text);
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || kind === 's' || kind === 'r') return ' '.repeat(missing) + text;
  const signed = /^[-+ ]/.test(text) ? 1 : 0;
  return text.slice(0, signed) + '0'.repeat(missing) + text.slice(signed);
}
