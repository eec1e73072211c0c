import { PyError } from './error.ts';
import { Float } from './float.ts';
import { type PyKey, type PyValue, narrow } from './value.ts';

const NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
// oxlint-disable-next-line no-control-regex -- JSON forbids exactly the control characters
const CHUNK = /[^"\\\x00-\x1f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const WORDS: readonly (readonly [string, () => PyValue])[] = [
  ['null', () => null],
  ['true', () => true],
  ['false', () => false],
  ['NaN', () => new Float(Number.NaN)],
  ['Infinity', () => new Float(Infinity)],
  ['-Infinity', () => new Float(-Infinity)],
];

/** One pass over a JSON text with the leniencies of CPython's decoder. */
export class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): PyValue {
    this.#space();
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault('Extra data');
    return value;
  }

  #value(): PyValue {
    const unit = this.#text[this.#at];
    if (unit === '"') {
      this.#at += 1;
      return this.#string();
    }
    if (unit === '{') return this.#object();
    if (unit === '[') return this.#array();
    return this.#number() ?? this.#word();
  }

  #object(): PyValue {
    const dict = new Map<PyKey, PyValue>();
    this.#at += 1;
    this.#space();
    if (this.#take('}')) return dict;
    for (;;) {
      if (!this.#take('"')) throw this.#fault('Expecting property name enclosed in double quotes');
      const key = this.#string();
      this.#space();
      if (!this.#take(':')) throw this.#fault("Expecting ':' delimiter");
      this.#space();
      dict.set(key, this.#value());
      this.#space();
      if (this.#take('}')) return dict;
      if (!this.#take(',')) throw this.#fault("Expecting ',' delimiter");
      this.#space();
    }
  }

  #array(): PyValue {
    const items: PyValue[] = [];
    this.#at += 1;
    this.#space();
    if (this.#take(']')) return items;
    for (;;) {
      items.push(this.#value());
      this.#space();
      if (this.#take(']')) return items;
      if (!this.#take(',')) throw this.#fault("Expecting ',' delimiter");
      this.#space();
    }
  }

  #string(): string {
    const begin = this.#at - 1;
    let result = '';
    for (;;) {
      CHUNK.lastIndex = this.#at;
      CHUNK.test(this.#text);
      const end = CHUNK.lastIndex;
      const chunk = this.#text.slice(this.#at, end);
      this.#at = end + 1;
      const unit = this.#text[end];
      if (unit === '"') return result === '' ? chunk : result + chunk;
      if (unit === undefined) throw this.#fault('Unterminated string starting at', begin);
      if (unit !== '\\') throw this.#fault('Invalid control character at', end);
      result += chunk + this.#escape(begin);
    }
  }

  #escape(begin: number): string {
    const unit = this.#text[this.#at];
    if (unit === undefined) throw this.#fault('Unterminated string starting at', begin);
    this.#at += 1;
    if (unit !== 'u') {
      const plain = ESCAPES[unit];
      if (plain === undefined) throw this.#fault('Invalid \\escape', this.#at - 2);
      return plain;
    }
    const hex = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#fault('Invalid \\uXXXX escape', this.#at - 1);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #number(): PyValue | undefined {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) return undefined;
    this.#at = NUMBER.lastIndex;
    const [all, whole = '', fraction, exponent] = match;
    if (fraction !== undefined || exponent !== undefined) return new Float(Number(all));
    return whole.length < 16 ? Number(whole) + 0 : narrow(BigInt(whole));
  }

  #word(): PyValue {
    for (const [word, value] of WORDS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value();
      }
    }
    throw this.#fault('Expecting value');
  }

  #take(unit: string): boolean {
    if (this.#text[this.#at] !== unit) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.#at += 1;
    }
  }

  #fault(message: string, at = this.#at): PyError {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    return new PyError('ValueError', `${message}: line ${line} column ${column} (char ${at})`, {
      position: at,
      reason: 'TASK_DATA_INVALID',
    });
  }
}
