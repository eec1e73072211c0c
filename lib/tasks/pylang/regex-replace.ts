import { badPattern } from './regex-ast.ts';
import { octal } from './regex-set.ts';

interface Groups {
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/** Compiles the replacement of `re.sub`; what Python refuses is a PyError(SyntaxError) with the position. */
export function compileReplacement(
  template: string,
  regex: Groups,
): (match: { readonly groups: readonly (string | null)[] }) => string {
  if (!template.includes('\\')) return () => template;
  const parts = new ReplacementParser(template, regex).parse();
  return ({ groups }) =>
    parts.map((part) => (typeof part === 'string' ? part : (groups[part] ?? ''))).join('');
}

class ReplacementParser {
  readonly points: readonly string[];
  at = 0;
  readonly #regex: Groups;

  constructor(template: string, regex: Groups) {
    this.points = Array.from(template);
    this.#regex = regex;
  }

  // Texts, and numbers of groups.
  parse(): (string | number)[] {
    const parts: (string | number)[] = [];
    while (this.at < this.points.length) {
      const point = this.points[this.at] ?? '';
      this.at += 1;
      parts.push(point === '\\' ? this.#escape() : point);
    }
    return parts;
  }

  #escape(): string | number {
    const position = this.at - 1;
    const letter = this.points[this.at];
    if (letter === undefined) throw badPattern('bad escape (end of pattern)', position);
    this.at += 1;
    if (letter === 'g') return this.#named(position);
    if (letter === '0') return String.fromCharCode(octal(this, letter, 3));
    if (/^[1-9]$/.test(letter)) return this.#digits(letter, position);
    const known = ESCAPES[letter];
    if (known !== undefined) return known;
    if (/^[a-zA-Z]$/.test(letter)) throw badPattern(`bad escape \\${letter}`, position);
    return `\\${letter}`;
  }

  #named(position: number): number {
    const end = this.points.indexOf('>', this.at);
    if (this.points[this.at] !== '<') throw badPattern('missing <', this.at);
    if (end === -1) throw badPattern('missing >, unterminated name', this.at + 1);
    const name = this.points.slice(this.at + 1, end).join('');
    this.at = end + 1;
    const index = /^[0-9]+$/.test(name) ? Number(name) : this.#regex.names.get(name);
    if (index === undefined) throw badPattern(`unknown group name '${name}'`, position + 3);
    return this.#group(index, position + 3);
  }

  #digits(first: string, position: number): string | number {
    const next = this.points.slice(this.at, this.at + 2).join('');
    if (/^[0-7]{3}$/.test(first + next)) return String.fromCharCode(octal(this, first, 3));
    const two = /^[0-9]/.exec(next)?.[0] ?? '';
    this.at += two.length;
    return this.#group(Number(first + two), position + 1);
  }

  #group(index: number, position: number): number {
    if (index > this.#regex.groups) throw badPattern(`invalid group reference ${index}`, position);
    return index;
  }
}
