import { badPattern, unsupportedPattern, type Node } from './regex-ast.ts';
import { WHITESPACE } from './text.ts';

/** A cursor over a pattern by code points; positions are code points, as Python counts them. */
export interface Cursor {
  readonly points: readonly string[];
  at: number;
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const UNICODE: Readonly<Record<string, string>> = { d: '\\p{Nd}', w: '\\p{L}\\p{N}_', s: WHITESPACE };
const ASCII: Readonly<Record<string, string>> = { d: '0-9', w: 'a-zA-Z0-9_', s: '\\t-\\r\\x20' };

/** What is in `\d`, `\w`, `\s` or their complements, as the inside of a JavaScript class; undefined for other letters. */
export function category(letter: string, ascii: boolean): string | undefined {
  const inside = (ascii ? ASCII : UNICODE)[letter.toLowerCase()];
  if (inside === undefined) return undefined;
  return letter === letter.toLowerCase() ? inside : `[^${inside}]`;
}

/** A code point as it stands in a JavaScript pattern or class, whatever it means there. */
export function literal(code: number): string {
  const text = String.fromCodePoint(code);
  return /^[a-zA-Z0-9_]$/.test(text) ? text : `\\u{${code.toString(16)}}`;
}

/** The code of `\a`, `\n`, `\xhh`, `\uhhhh`, `\Uhhhhhhhh`; the cursor is behind the letter, and then behind the escape. */
export function letterEscape(cursor: Cursor, letter: string, inSet: boolean): number | undefined {
  const begin = cursor.at - 2;
  const length = HEX_LENGTH[letter];
  if (letter === 'N') throw unsupportedPattern('\\N{…}', begin);
  if (length === undefined) return letter === 'b' && !inSet ? undefined : ESCAPES[letter];
  const digits = cursor.points.slice(cursor.at, cursor.at + length).join('');
  if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw badPattern(`incomplete escape \\${letter}${/^[0-9a-fA-F]*/.exec(digits)?.[0] ?? ''}`, begin);
  }
  cursor.at += length;
  const code = Number.parseInt(digits, 16);
  if (code > 0x10ffff) throw badPattern(`bad escape \\${letter}${digits}`, begin);
  return code;
}

/** `[...]`; the cursor is behind the opening bracket, and then behind the closing one. */
export function parseSet(cursor: Cursor, ascii: boolean): Node {
  const begin = cursor.at - 1;
  const negated = cursor.points[cursor.at] === '^';
  if (negated) cursor.at += 1;
  let inside = '';
  for (let first = true; first || cursor.points[cursor.at] !== ']'; first = false) {
    inside += range(cursor, ascii, begin);
  }
  cursor.at += 1;
  return { kind: 'set', inside, negated };
}

function range(cursor: Cursor, ascii: boolean, begin: number): string {
  const start = cursor.at;
  const low = member(cursor, ascii, begin);
  if (cursor.points[cursor.at] !== '-') return show(low);
  const after = cursor.points[cursor.at + 1];
  if (after === undefined) throw badPattern('unterminated character set', begin);
  if (after === ']') return show(low);
  cursor.at += 1;
  const high = member(cursor, ascii, begin);
  if (typeof low === 'string' || typeof high === 'string' || high < low) {
    throw badPattern(`bad character range ${cursor.points.slice(start, cursor.at).join('')}`, start);
  }
  return `${literal(low)}-${literal(high)}`;
}

function show(item: number | string): string {
  return typeof item === 'number' ? literal(item) : item;
}

// A code point, or the inside of a class.
function member(cursor: Cursor, ascii: boolean, begin: number): number | string {
  const point = cursor.points[cursor.at];
  if (point === undefined) throw badPattern('unterminated character set', begin);
  cursor.at += 1;
  if (point !== '\\') return point.codePointAt(0) ?? 0;
  const letter = cursor.points[cursor.at];
  if (letter === undefined) throw badPattern('bad escape (end of pattern)', cursor.at - 1);
  cursor.at += 1;
  const known = letterEscape(cursor, letter, true) ?? category(letter, ascii);
  if (known !== undefined) return known;
  if (/[0-7]/.test(letter)) return octal(cursor, letter, 3);
  if (/[a-zA-Z89]/.test(letter)) throw badPattern(`bad escape \\${letter}`, cursor.at - 2);
  return letter.codePointAt(0) ?? 0;
}

/** An octal escape of at most `length` digits, the first of which was read. */
export function octal(cursor: Cursor, first: string, length: number): number {
  const begin = cursor.at - 2;
  let digits = first;
  while (digits.length < length && /^[0-7]$/.test(cursor.points[cursor.at] ?? '')) {
    digits += cursor.points[cursor.at] ?? '';
    cursor.at += 1;
  }
  const code = Number.parseInt(digits, 8);
  if (code > 0o377) throw badPattern(`octal escape value \\${digits} outside of range 0-0o377`, begin);
  return code;
}
