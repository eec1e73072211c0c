import { Float, PyError, pyToInt, type PyValue, rstripText } from '../pylang/index.ts';
import { unescapeLiteral } from '../pylang/escape.ts';
import { WHITESPACE } from '../pylang/text.ts';
import type { Source } from './place.ts';

export type TokenType =
  | 'data'
  | 'output'
  | 'output-end'
  | 'block'
  | 'block-end'
  | 'name'
  | 'string'
  | 'number'
  | 'operator'
  | 'end';

export interface Token {
  readonly type: TokenType;
  /** The text of data, names and operators; empty for what needs none. */
  readonly text: string;
  /** Of strings and numbers. */
  readonly value: PyValue;
  /** Offset in the source. */
  readonly at: number;
}

const GAP = `[${WHITESPACE}]*`;
const TAG = /\{[{%#]/g;
const RAW = new RegExp(`\\{%[-+]?${GAP}raw${GAP}(?:-%\\}${GAP}|%\\})`, 'y');
const END_RAW = new RegExp(`\\{%([-+]?)${GAP}endraw${GAP}(?:\\+%\\}|-%\\}${GAP}|%\\})`, 'g');
const END_COMMENT = new RegExp(`(?:\\+#\\}|-#\\}${GAP}|#\\})`, 'g');
const END_OUTPUT = new RegExp(`(?:-\\}\\}${GAP}|\\}\\})`, 'y');
const END_BLOCK = new RegExp(`(?:\\+%\\}|-%\\}${GAP}|%\\})`, 'y');
const SPACE = new RegExp(GAP, 'y');
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy;
const INTEGER = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy;
const NAME = /[\p{L}\p{N}\p{M}_·]+/uy;
const IDENTIFIER = /^[\p{XIDS}_]\p{XIDC}*$/u;
const STRING = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The tokens of a template, as Jinja's lexer with lm-evaluation-harness' settings cuts them (no trim_blocks, no lstrip_blocks). */
export function tokenize(source: Source): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  readonly #source: Source;
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  run(): Token[] {
    for (;;) {
      TAG.lastIndex = this.#at;
      const tag = TAG.exec(this.#text);
      if (tag === null) break;
      this.#data(tag.index, this.#text[tag.index + 2] ?? '');
      this.#tag(tag.index, tag[0]);
    }
    this.#data(this.#text.length, '');
    this.#push('end', this.#text.length);
    return this.#tokens;
  }

  // What stands before a tag; a minus sign takes the blanks before it away.
  #data(end: number, sign: string): void {
    const data = this.#text.slice(this.#at, end);
    const kept = sign === '-' ? rstripText(data) : data;
    if (kept !== '') this.#push('data', this.#at, kept);
  }

  #tag(begin: number, tag: string): void {
    this.#at = begin;
    if (tag === '{%' && this.#match(RAW) !== null) return this.#raw(begin);
    this.#at = begin + 2;
    if (/[-+]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    if (tag === '{#') return this.#comment(begin);
    const block = tag === '{%';
    this.#push(block ? 'block' : 'output', begin);
    this.#inside(block ? END_BLOCK : END_OUTPUT, block ? 'block-end' : 'output-end');
  }

  #raw(begin: number): void {
    END_RAW.lastIndex = this.#at;
    const end = END_RAW.exec(this.#text);
    if (end === null) throw this.#source.invalid('missing end of raw directive', begin);
    this.#data(end.index, end[1] ?? '');
    this.#at = END_RAW.lastIndex;
  }

  #comment(begin: number): void {
    END_COMMENT.lastIndex = this.#at;
    if (END_COMMENT.exec(this.#text) === null)
      throw this.#source.invalid('missing end of comment tag', begin);
    this.#at = END_COMMENT.lastIndex;
  }

  #inside(end: RegExp, type: TokenType): void {
    const open: string[] = [];
    for (;;) {
      const begin = this.#at;
      if (open.length === 0 && this.#match(end) !== null) return this.#push(type, begin);
      if (this.#match(SPACE) !== null && this.#at > begin) continue;
      if (this.#at >= this.#text.length) return;
      this.#token(begin, open);
    }
  }

  #token(begin: number, open: string[]): void {
    const float = this.#match(FLOAT);
    if (float !== null) return this.#number(begin, new Float(Number(float.replaceAll('_', ''))));
    const integer = this.#match(INTEGER);
    if (integer !== null) return this.#number(begin, pyToInt(integer, 0));
    const name = this.#match(NAME);
    if (name !== null) {
      if (!IDENTIFIER.test(name)) throw this.#source.invalid('invalid character in identifier', begin);
      return this.#push('name', begin, name);
    }
    const string = this.#match(STRING);
    if (string !== null) return this.#string(begin, string);
    const operator = this.#match(OPERATOR);
    if (operator === null) {
      throw this.#source.invalid(`unexpected char '${this.#text[begin] ?? ''}'`, begin);
    }
    this.#balance(begin, operator, open);
    this.#push('operator', begin, operator);
  }

  #number(begin: number, value: PyValue): void {
    this.#tokens.push({ type: 'number', text: '', value, at: begin });
  }

  #string(begin: number, quoted: string): void {
    try {
      const value = unescapeLiteral(quoted.slice(1, -1));
      this.#tokens.push({ type: 'string', text: '', value, at: begin });
    } catch (error) {
      if (!(error instanceof PyError)) throw error;
      if (error.type === 'Unsupported') throw this.#source.unsupported(error.message, begin, error);
      throw this.#source.invalid(error.message, begin, error);
    }
  }

  #balance(begin: number, operator: string, open: string[]): void {
    const closing = CLOSING[operator];
    if (closing !== undefined) open.push(closing);
    if (operator !== ')' && operator !== ']' && operator !== '}') return;
    const expected = open.pop();
    if (expected === operator) return;
    const hint = expected === undefined ? '' : `, expected '${expected}'`;
    throw this.#source.invalid(`unexpected '${operator}'${hint}`, begin);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return null;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #push(type: TokenType, at: number, text = ''): void {
    this.#tokens.push({ type, text, value: null, at });
  }
}
