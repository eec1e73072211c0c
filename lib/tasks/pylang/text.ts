/** The characters of Python's `str.isspace()`, as the inside of a regular expression's character class. */
export const WHITESPACE =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

const SPACE = new RegExp(`[${WHITESPACE}]`);
const SPACES = new RegExp(`[${WHITESPACE}]+`);
const SURROGATE = /[\ud800-\udfff]/;
// Numeric_Type=Digit outside Nd: superscripts, subscripts, circled and parenthesised digits.
const DIGIT = /^[\p{Nd}²³¹⁰⁴-⁹₀-₉፩-፱᧚①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒𐩀-𐩃𐹠-𐹨𑁒-𑁚🄀-🄊]+$/u;
const DECIMAL = /^\p{Nd}+$/u;

/** Code points of a text; `null` when each is one UTF-16 unit, so that the text can be indexed as it is. */
export function codePoints(text: string): string[] | null {
  return SURROGATE.test(text) ? Array.from(text) : null;
}

/** Python's `len(str)`: code points. */
export function codePointLength(text: string): number {
  return codePoints(text)?.length ?? text.length;
}

/** `str.isdigit()`: not empty and all characters digits, superscripts and circled digits included. */
export function isDigitText(text: string): boolean {
  return DIGIT.test(text);
}

/** `str.isdecimal()`: not empty and all characters decimal digits of any script. */
export function isDecimalText(text: string): boolean {
  return DECIMAL.test(text);
}

/** `str.strip(chars)`; without `chars` Python's whitespace, which is not JavaScript's. */
export function stripText(text: string, chars?: string): string {
  return lstripText(rstripText(text, chars), chars);
}

/** `str.lstrip(chars)`. */
export function lstripText(text: string, chars?: string): string {
  if (chars !== undefined && codePoints(text) !== null) return stripAstral(text, chars, 'left');
  let start = 0;
  while (start < text.length && isStripped(text.charAt(start), chars)) start += 1;
  return start === 0 ? text : text.slice(start);
}

/** `str.rstrip(chars)`. */
export function rstripText(text: string, chars?: string): string {
  if (chars !== undefined && codePoints(text) !== null) return stripAstral(text, chars, 'right');
  let end = text.length;
  while (end > 0 && isStripped(text.charAt(end - 1), chars)) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

function isStripped(character: string, chars: string | undefined): boolean {
  return chars === undefined ? SPACE.test(character) : chars.includes(character);
}

function stripAstral(text: string, chars: string, side: 'left' | 'right'): string {
  const points = Array.from(text);
  const strip = new Set(chars);
  const kept = (point: string): boolean => !strip.has(point);
  if (side === 'right') return points.slice(0, points.findLastIndex(kept) + 1).join('');
  const first = points.findIndex(kept);
  return first === -1 ? '' : points.slice(first).join('');
}

/** `str.split()` without a separator: runs of whitespace divide, and none leads or trails. */
export function splitWhitespace(text: string, maxSplit = -1): string[] {
  const parts: string[] = [];
  const most = maxSplit < 0 ? Infinity : maxSplit;
  let rest = lstripText(text);
  let gap = SPACES.exec(rest);
  while (gap !== null && parts.length < most) {
    parts.push(rest.slice(0, gap.index));
    rest = rest.slice(gap.index + gap[0].length);
    gap = SPACES.exec(rest);
  }
  return rest === '' ? parts : [...parts, rest];
}

/** `str.capitalize()`: title case for the first character, lower case for the others. */
export function capitalizeText(text: string): string {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  if (text === '') return '';
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}

/** Unicode title case of one character; it differs from upper case for digraphs, ligatures and Georgian. */
export function titleCase(character: string): string {
  const digraph = 'ǄǅǆǇǈǉǊǋǌǱǲǳ'.indexOf(character);
  if (digraph >= 0) return 'ǅǅǅǈǈǈǋǋǋǲǲǲ'.charAt(digraph);
  if (/[\u10d0-\u10ff\u1fbc\u1fcc\u1ffc]/.test(character)) return character;
  // Greek with iota subscript: upper case spells the iota out, title case does not.
  if (/[\u1f80-\u1faf\u1fb3\u1fc3\u1ff3]/.test(character)) return iotaTitle(character);
  const [head = '', ...tail] = Array.from(character.toUpperCase());
  return head + (character === 'ŉ' ? tail.join('') : tail.join('').toLowerCase());
}

function iotaTitle(character: string): string {
  const code = character.charCodeAt(0);
  if (code > 0x1faf) return String.fromCharCode(code + 9);
  return String.fromCharCode(code | 8);
}

/** Order of two texts by code points, as Python compares `str` (JavaScript compares UTF-16 units). */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(a, at, left) - rank(b, at, right);
  }
  return a.length - b.length;
}

// The units before `at` are equal, so a differing low surrogate has the same high one before it in both texts.
function rank(text: string, at: number, unit: number): number {
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const paired = unit >= 0xdc00 ? isHigh(text.charCodeAt(at - 1)) : (text.codePointAt(at) ?? unit) > 0xffff;
  return paired ? unit + 0x10000 : unit;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
