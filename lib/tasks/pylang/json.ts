import { Float } from './float.ts';
import { JsonReader } from './json-reader.ts';
import { floatRepr, pyRepr } from './repr.ts';
import { PyError } from './error.ts';
import { compareText } from './text.ts';
import { PySet, type PyValue, Tuple } from './value.ts';

/** What `dumpJson` writes: Python values, and plain objects and arrays of them. A number that is no integer is a float. */
export type JsonInput =
  PyValue | readonly JsonInput[] | ReadonlyMap<string, JsonInput> | { readonly [key: string]: JsonInput };

export interface JsonOptions {
  /** Spaces (or the text) by which each level is indented; without it all is on one line. */
  readonly indent?: number | string;
  /** Default true: everything but printable ASCII is escaped. */
  readonly ensureAscii?: boolean;
  readonly sortKeys?: boolean;
  /** Between items, and between key and value. Default `[', ', ': ']`, with indent `[',', ': ']`. */
  readonly separators?: readonly [string, string];
}

/**
 * As CPython's `json.loads`: ints of any size, NaN and Infinity, the last of duplicate keys, lone surrogates.
 * Throws PyError(ValueError) with reason TASK_DATA_INVALID that names line and column.
 */
export function parseJson(text: string): PyValue {
  if (text.startsWith('\ufeff')) {
    const message = 'Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)';
    throw new PyError('ValueError', message, { position: 0, reason: 'TASK_DATA_INVALID' });
  }
  return new JsonReader(text).document();
}

/** As CPython's `json.dumps` writes, character for character. */
export function dumpJson(value: JsonInput, options: JsonOptions = {}): string {
  const indent = typeof options.indent === 'number' ? ' '.repeat(options.indent) : options.indent;
  const [item, key] = options.separators ?? [indent === undefined ? ', ' : ',', ': '];
  const quote = (options.ensureAscii ?? true) ? quoteAscii : quoteText;
  return write({ indent, item, key, quote, sort: options.sortKeys ?? false }, value, '\n');
}

interface Style {
  readonly indent: string | undefined;
  readonly item: string;
  readonly key: string;
  readonly quote: (text: string) => string;
  readonly sort: boolean;
}

function write(style: Style, value: JsonInput, line: string): string {
  const simple = scalar(style, value);
  if (simple !== undefined) return simple;
  const inner = style.indent === undefined ? line : line + style.indent;
  if (value instanceof PySet) throw new PyError('TypeError', 'Object of type set is not JSON serializable');
  const items = value instanceof Tuple ? value.items : value;
  if (Array.isArray(items)) {
    const parts = items.map((item: JsonInput) => write(style, item, inner));
    return enclose(style, '[', parts, ']', line, inner);
  }
  const pairs: [unknown, JsonInput][] = [...(items instanceof Map ? items : Object.entries(items ?? {}))];
  if (style.sort) pairs.sort(([a], [b]) => compareKeys(a, b));
  const parts = pairs.map(([key, item]) => style.quote(keyText(key)) + style.key + write(style, item, inner));
  return enclose(style, '{', parts, '}', line, inner);
}

function enclose(
  style: Style,
  open: string,
  parts: string[],
  close: string,
  line: string,
  inner: string,
): string {
  if (parts.length === 0) return open + close;
  if (style.indent === undefined) return open + parts.join(style.item) + close;
  return open + inner + parts.join(style.item + inner) + line + close;
}

function scalar(style: Style, value: JsonInput): string | undefined {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return style.quote(value);
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isInteger(value) ? BigInt(value).toString() : floatText(value);
    default:
      return value instanceof Float ? floatText(value.value) : undefined;
  }
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity';
  return floatRepr(value);
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  return 'null';
}

function compareKeys(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (isOrdered(a) && isOrdered(b)) return a < b ? -1 : Number(a > b);
  throw new PyError('TypeError', `keys ${pyRepr(keyText(a))} and ${pyRepr(keyText(b))} cannot be sorted`);
}

function isOrdered(key: unknown): key is number | bigint | boolean {
  return typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean';
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

function quoteAscii(text: string): string {
  return `"${text.replace(/[^ !#-[\]-~]/g, escapeUnit)}"`;
}

function quoteText(text: string): string {
  // oxlint-disable-next-line no-control-regex -- JSON escapes exactly the control characters
  return `"${text.replace(/["\\\x00-\x1f]/g, escapeUnit)}"`;
}

function escapeUnit(unit: string): string {
  return SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
