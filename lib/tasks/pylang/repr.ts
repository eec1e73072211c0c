import { Float } from './float.ts';
import { PySet, type PyKey, type PyValue, Tuple } from './value.ts';

// str.isprintable() is false for the categories Other and Separator, the space apart.
const UNPRINTABLE = /[\p{C}\p{Z}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Python's `repr(float)`: the shortest digits that read back as the same; `1.0`, `1e-05`, `nan`, `inf`. */
export function floatRepr(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  const [mantissa = '', exponentText = ''] = Math.abs(value).toExponential().split('e');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** Python's `str(value)`: a text as it is, everything else as `pyRepr`. */
export function pyStr(value: PyValue): string {
  return typeof value === 'string' ? value : pyRepr(value);
}

/** Python's `repr(value)`. */
export function pyRepr(value: PyValue): string {
  if (value === null) return 'None';
  switch (typeof value) {
    case 'string':
      return textRepr(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
    case 'bigint':
      return String(value);
    default:
      return containerRepr(value);
  }
}

function containerRepr(value: Float | PyValue[] | Tuple | PySet | Map<PyKey, PyValue>): string {
  if (value instanceof Float) return floatRepr(value.value);
  if (Array.isArray(value)) return `[${value.map(pyRepr).join(', ')}]`;
  if (value instanceof Tuple) {
    const inside = value.items.map(pyRepr).join(', ');
    return value.items.length === 1 ? `(${inside},)` : `(${inside})`;
  }
  if (value instanceof PySet) {
    return value.items.length === 0 ? 'set()' : `{${value.items.map(pyRepr).join(', ')}}`;
  }
  const pairs = Array.from(value, ([key, item]) => `${pyRepr(key)}: ${pyRepr(item)}`);
  return `{${pairs.join(', ')}}`;
}

function textRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll('\\', '\\\\').replace(UNPRINTABLE, escapeUnprintable);
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function escapeUnprintable(character: string): string {
  if (character === ' ') return character;
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}
