import { badPattern, type Flags } from './regex-ast.ts';
import type { Cursor } from './regex-set.ts';

const LOCALE = "bad inline flags: cannot use 'L' flag with a str pattern";
const IDENTIFIER = /^[\p{XIDS}_]\p{XIDC}*$/u;
const FLAG_OF: Readonly<Record<string, keyof Flags | undefined>> = {
  i: 'ignoreCase',
  m: 'multiline',
  s: 'dotAll',
  x: 'verbose',
  a: 'ascii',
};

/**
 * The letters of `(?i-s:` or `(?i)`, behind the question mark: the flags as they change them, and whether for
 * a group (`scoped`) or for the whole pattern.
 */
export function readFlags(
  cursor: Cursor,
  flags: Flags,
  begin: number,
): { readonly changed: Flags; readonly scoped: boolean } {
  const rest = cursor.points.slice(cursor.at, cursor.at + 30).join('');
  const [all = '', on = '', off = '', end] = /^([a-zA-Z]*)(-[a-zA-Z]*)?([:)])?/.exec(rest) ?? [];
  if (!/^[aiLmsux-]/.test(all)) {
    throw badPattern(`unknown extension ?${cursor.points[cursor.at] ?? ''}`, begin + 1);
  }
  const changed = { ...flags };
  switchFlags(changed, on, true, cursor.at);
  switchFlags(changed, off.slice(1), false, cursor.at + on.length + 1);
  cursor.at += all.length;
  if (end === undefined) throw badPattern('missing -, : or )', cursor.at);
  if (end === ')' && off !== '') throw badPattern('missing :', cursor.at - 1);
  return { changed, scoped: end === ':' };
}

function switchFlags(flags: Flags, letters: string, value: boolean, at: number): void {
  Array.from(letters).forEach((letter, offset) => {
    const flag = FLAG_OF[letter];
    if (flag !== undefined) flags[flag] = value;
    else if (letter === 'L') throw badPattern(LOCALE, at + offset + 1);
    else if (letter !== 'u') throw badPattern('unknown flag', at + offset);
  });
}

/** The bounds of a quantifier, which the cursor then is behind; undefined when none stands here. */
export function readBounds(cursor: Cursor, point: string): [number, number] | undefined {
  if (point === '{') return readBraces(cursor);
  if (point !== '*' && point !== '+' && point !== '?') return undefined;
  cursor.at += 1;
  return [point === '+' ? 1 : 0, point === '?' ? 1 : Infinity];
}

function readBraces(cursor: Cursor): [number, number] | undefined {
  const rest = cursor.points.slice(cursor.at, cursor.at + 40).join('');
  const match = /^\{([0-9]*)(,?)([0-9]*)\}/.exec(rest);
  if (match === null || match[0] === '{}') return undefined;
  const [all, low = '', comma, high = ''] = match;
  const min = low === '' ? 0 : Number(low);
  const max = comma === '' ? min : high === '' ? Infinity : Number(high);
  if (max < min) throw badPattern('min repeat greater than max repeat', cursor.at + 1);
  cursor.at += all.length;
  return [min, max];
}

/** The name of a group up to the `end` of its mark, which the cursor then is behind. */
export function readGroupName(cursor: Cursor, end: string): string {
  const from = cursor.at;
  const to = cursor.points.indexOf(end, from);
  if (to === from || from >= cursor.points.length) throw badPattern('missing group name', from);
  if (to === -1) throw badPattern(`missing ${end}, unterminated name`, from);
  const name = cursor.points.slice(from, to).join('');
  if (!IDENTIFIER.test(name)) throw badPattern(`bad character in group name '${name}'`, from);
  cursor.at = to + 1;
  return name;
}
