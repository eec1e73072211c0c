import { badPattern, type Flags, type Node, unsupportedPattern } from './regex-ast.ts';
import { readBounds, readFlags, readGroupName } from './regex-flags.ts';
import { category, type Cursor, letterEscape, octal, parseSet } from './regex-set.ts';

export interface ParsedPattern {
  readonly root: Node;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
  readonly ignoreCase: boolean;
  /** Case counts in one part of the pattern and not in another. */
  readonly mixed: boolean;
}

const BLANK = /^[ \t\n\r\v\f]$/;

/** Reads Python's `re` syntax for `str` patterns (CPython 3.11, Lib/re/_parser.py). */
export class PatternParser implements Cursor {
  readonly points: readonly string[];
  at = 0;
  #groups = 0;
  #mixed = false;
  readonly #open = new Set<number>();
  readonly #names = new Map<string, number>();

  constructor(pattern: string) {
    this.points = Array.from(pattern);
  }

  parse(given: Flags): ParsedPattern {
    const flags = { ...given };
    const root = this.#alternatives(flags, true);
    if (this.at < this.points.length) throw badPattern('unbalanced parenthesis', this.at);
    return {
      root,
      groups: this.#groups,
      names: this.#names,
      ignoreCase: flags.ignoreCase,
      mixed: this.#mixed,
    };
  }

  #alternatives(flags: Flags, outermost: boolean): Node {
    const branches = [this.#sequence(flags, outermost)];
    while (this.#take('|')) branches.push(this.#sequence(flags, false));
    return branches.length === 1 ? (branches[0] as Node) : { kind: 'branch', branches };
  }

  #sequence(flags: Flags, first: boolean): Node {
    const items: Node[] = [];
    for (;;) {
      const point = this.points[this.at];
      if (point === undefined || point === '|' || point === ')') return { kind: 'sequence', items };
      if (flags.verbose && this.#skipVerbose(point)) continue;
      if (this.#quantifier(point, items)) continue;
      const item = this.#item(flags, first && items.length === 0);
      if (item !== undefined) items.push(item);
    }
  }

  #skipVerbose(point: string): boolean {
    if (BLANK.test(point)) {
      this.at += 1;
      return true;
    }
    if (point !== '#') return false;
    while (this.at < this.points.length && this.points[this.at] !== '\n') this.at += 1;
    return true;
  }

  // Takes a quantifier and applies it to the last item; false when none stands here.
  #quantifier(point: string, items: Node[]): boolean {
    const position = this.at;
    const bounds = readBounds(this, point);
    if (bounds === undefined) return false;
    const body = items.at(-1);
    if (body === undefined || body.kind === 'at') throw badPattern('nothing to repeat', position);
    if (body.kind === 'repeat') throw badPattern('multiple repeat', position);
    if (this.#take('+')) throw unsupportedPattern('a possessive quantifier', position);
    const [min, max] = bounds;
    items[items.length - 1] = { kind: 'repeat', body, min, max, lazy: this.#take('?'), position };
    return true;
  }

  #item(flags: Flags, first: boolean): Node | undefined {
    const point = this.points[this.at] ?? '';
    this.at += 1;
    switch (point) {
      case '.':
        return flags.dotAll ? { kind: 'any' } : { kind: 'set', inside: '\\n', negated: true };
      case '^':
        return this.#anchor(flags.multiline ? 'line-begin' : 'begin');
      case '$':
        return this.#anchor(flags.multiline ? 'line-end' : 'dollar');
      case '[':
        return parseSet(this, flags.ascii);
      case '\\':
        return this.#escape(flags);
      case '(':
        return this.#parenthesis(flags, first);
      default:
        return { kind: 'char', code: point.codePointAt(0) ?? 0 };
    }
  }

  #anchor(where: 'begin' | 'line-begin' | 'dollar' | 'line-end' | 'end'): Node {
    return { kind: 'at', where, ascii: false };
  }

  #escape(flags: Flags): Node {
    const position = this.at - 1;
    const letter = this.points[this.at];
    if (letter === undefined) throw badPattern('bad escape (end of pattern)', position);
    this.at += 1;
    const code = letterEscape(this, letter, false);
    if (code !== undefined) return { kind: 'char', code };
    const inside = category(letter, flags.ascii);
    if (inside !== undefined) return { kind: 'set', inside, negated: false };
    if (letter === 'A') return this.#anchor('begin');
    if (letter === 'Z') return this.#anchor('end');
    if (letter === 'b') return { kind: 'at', where: 'boundary', ascii: flags.ascii };
    if (letter === 'B') return { kind: 'at', where: 'no-boundary', ascii: flags.ascii };
    if (/^[0-9]$/.test(letter)) return this.#digits(letter, position);
    if (/^[a-zA-Z]$/.test(letter)) throw badPattern(`bad escape \\${letter}`, position);
    return { kind: 'char', code: letter.codePointAt(0) ?? 0 };
  }

  #digits(first: string, position: number): Node {
    const next = this.points.slice(this.at, this.at + 2).join('');
    if (first === '0') return { kind: 'char', code: octal(this, first, 3) };
    if (/^[0-7]{3}$/.test(first + next)) return { kind: 'char', code: octal(this, first, 3) };
    const two = /^[0-9]/.exec(next)?.[0] ?? '';
    this.at += two.length;
    return this.#reference(Number(first + two), `${first}${two}`, position, position + 1);
  }

  #reference(index: number | undefined, shown: string, position: number, from: number): Node {
    if (index === undefined || index > this.#groups || index === 0) {
      throw badPattern(`invalid group reference ${shown}`, from);
    }
    if (this.#open.has(index)) throw badPattern('cannot refer to an open group', position);
    return { kind: 'reference', index, position };
  }

  #parenthesis(flags: Flags, first: boolean): Node | undefined {
    const begin = this.at - 1;
    if (!this.#take('?')) return this.#capture(flags, begin, undefined);
    const point = this.points[this.at];
    if (point === undefined) throw badPattern('unexpected end of pattern', this.at);
    this.at += 1;
    switch (point) {
      case 'P':
        return this.#named(flags, begin);
      case ':':
        return this.#close(this.#alternatives({ ...flags }, false), begin);
      case '#':
        return this.#comment(begin);
      case '=':
      case '!':
        return this.#look(flags, begin, false, point === '!');
      case '<':
        return this.#behind(flags, begin);
      case '(':
        throw unsupportedPattern('a conditional group', begin);
      case '>':
        throw unsupportedPattern('an atomic group', begin);
      default:
        return this.#inlineFlags(flags, first, begin);
    }
  }

  #capture(flags: Flags, begin: number, name: string | undefined): Node {
    this.#groups += 1;
    const index = this.#groups;
    if (name !== undefined) this.#names.set(name, index);
    this.#open.add(index);
    const body = this.#close(this.#alternatives({ ...flags }, false), begin);
    this.#open.delete(index);
    return { kind: 'group', index, body };
  }

  #close<T>(body: T, begin: number): T {
    if (!this.#take(')')) throw badPattern('missing ), unterminated subpattern', begin);
    return body;
  }

  #named(flags: Flags, begin: number): Node {
    if (this.#take('<')) {
      const from = this.at;
      const name = readGroupName(this, '>');
      const earlier = this.#names.get(name);
      if (earlier !== undefined) {
        const shown = `'${name}' as group ${this.#groups + 1}; was group ${earlier}`;
        throw badPattern(`redefinition of group name ${shown}`, from);
      }
      return this.#capture(flags, begin, name);
    }
    if (this.#take('=')) {
      const from = this.at;
      const name = readGroupName(this, ')');
      const index = this.#names.get(name);
      if (index === undefined) throw badPattern(`unknown group name '${name}'`, from);
      return this.#reference(index, name, from, from);
    }
    throw badPattern(`unknown extension ?P${this.points[this.at] ?? ''}`, begin + 1);
  }

  #comment(begin: number): undefined {
    const to = this.points.indexOf(')', this.at);
    if (to === -1) throw badPattern('missing ), unterminated comment', begin);
    this.at = to + 1;
  }

  #behind(flags: Flags, begin: number): Node {
    if (this.#take('=')) return this.#look(flags, begin, true, false);
    if (this.#take('!')) return this.#look(flags, begin, true, true);
    if (this.at >= this.points.length) throw badPattern('unexpected end of pattern', this.at);
    throw badPattern(`unknown extension ?<${this.points[this.at] ?? ''}`, begin + 1);
  }

  #look(flags: Flags, begin: number, behind: boolean, negated: boolean): Node {
    const body = this.#close(this.#alternatives({ ...flags }, false), begin);
    return { kind: 'look', behind, negated, body };
  }

  #inlineFlags(flags: Flags, first: boolean, begin: number): Node | undefined {
    this.at -= 1;
    const { changed, scoped } = readFlags(this, flags, begin);
    if (scoped) {
      const body = this.#close(this.#alternatives(changed, false), begin);
      if (changed.ignoreCase === flags.ignoreCase) return body;
      this.#mixed = true;
      return { kind: 'scope', ignoreCase: changed.ignoreCase, body };
    }
    if (!first) throw badPattern('global flags not at the start of the expression', begin);
    Object.assign(flags, changed);
    return undefined;
  }

  #take(point: string): boolean {
    if (this.points[this.at] !== point) return false;
    this.at += 1;
    return true;
  }
}
