import { PyError } from './error.ts';
import { unescapeLiteral } from './escape.ts';
import { Float } from './float.ts';
import { pyEquals } from './compare.ts';
import { setItem } from './dict.ts';
import { pyToInt } from './number.ts';
import { PySet, type PyKey, type PyValue, Tuple, isInt } from './value.ts';

const SPACE = /(?:[ \t\f]|\\\r?\n(?=[^]))*/y;
// What may follow a complete expression: blank lines and comments, but no blanks on a last line of their own.
const TAIL = /(?:#[^\n]*)?(?:\r?\n(?:[ \t\f]*#[^\n]*|[ \t\f]*(?=\r?\n))?)*$/y;
const SPACE_AND_LINES = /(?:[ \t\f\r\n]|\\\r?\n|#[^\n]*)*/y;
const STRING_START = /([a-zA-Z]{0,2})("""|'''|"|')/y;
const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|((?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.?[eE][+-]?\d(?:_?\d)*|\d(?:_?\d)*\.)|\d(?:_?\d)*)([jJ])?(?![\p{L}\p{N}_])/uy;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NAMES: ReadonlyMap<string, PyValue> = new Map<string, PyValue>([
  ['None', null],
  ['True', true],
  ['False', false],
]);
const DEPTH = 200; // CPython's parser stops at 200 nested brackets as well

/**
 * Python's `ast.literal_eval`. Tuples are `Tuple`, sets `PySet`. Throws PyError: SyntaxError or ValueError where
 * Python does, Unsupported for bytes, complex numbers, `...`, `\N{}` and keys that are floats or tuples.
 */
export function literalEval(text: string): PyValue {
  return new LiteralReader(text).document();
}

class LiteralReader {
  readonly #text: string;
  #at: number;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    const unindented = text.replace(/^[ \t]+/, '').replace(/^(?:[ \t\f]*(?:#[^\n]*)?\r?\n)+/, '');
    this.#at = text.length - unindented.length;
  }

  document(): PyValue {
    if (this.#text.includes('\0')) throw this.#fault('source code string cannot contain null bytes');
    const value = this.#sequence('');
    this.#space();
    if (this.#match(TAIL) === null) throw this.#fault('invalid syntax');
    return value;
  }

  // One expression, or with a comma the tuple that it begins.
  #sequence(close: string): PyValue {
    this.#space();
    if (close !== '' && this.#peek() === close) return new Tuple([]);
    const first = this.#value();
    this.#space();
    if (this.#peek() !== ',') return first;
    const items = [first];
    while (this.#take(',')) {
      this.#space();
      if (this.#peek() === close || this.#ended()) break;
      items.push(this.#value());
      this.#space();
    }
    return new Tuple(items);
  }

  #ended(): boolean {
    return this.#at >= this.#text.length || (this.#depth === 0 && /[\r\n#]/.test(this.#peek() ?? ''));
  }

  #value(): PyValue {
    this.#space();
    const unit = this.#peek();
    if (unit === '(') return this.#within(')', () => this.#sequence(')'));
    if (unit === '[') return this.#within(']', () => this.#items(']', []));
    if (unit === '{') return this.#within('}', () => this.#braces());
    if (unit === '-' || unit === '+') return this.#signed(unit);
    return this.#string() ?? this.#number() ?? this.#name();
  }

  #within(close: string, read: () => PyValue): PyValue {
    this.#at += 1;
    this.#depth += 1;
    if (this.#depth > DEPTH) throw this.#fault('too many nested parentheses');
    const value = read();
    this.#space();
    if (!this.#take(close)) throw this.#fault(`expected '${close}'`);
    this.#depth -= 1;
    return value;
  }

  #items(close: string, items: PyValue[]): PyValue[] {
    this.#space();
    while (this.#peek() !== close) {
      items.push(this.#value());
      this.#space();
      if (!this.#take(',')) break;
      this.#space();
    }
    return items;
  }

  #braces(): PyValue {
    this.#space();
    const dict = new Map<PyKey, PyValue>();
    if (this.#peek() === '}') return dict;
    const first = this.#value();
    this.#space();
    if (this.#peek() !== ':') return this.#set(first);
    for (let key = first; ; key = this.#value()) {
      this.#space();
      if (!this.#take(':')) throw this.#fault("expected ':'");
      setItem(dict, key, this.#value());
      this.#space();
      if (!this.#take(',')) return dict;
      this.#space();
      if (this.#peek() === '}') return dict;
    }
  }

  #set(first: PyValue): PyValue {
    const items = [first];
    if (this.#take(',')) this.#items('}', items);
    const distinct: PyValue[] = [];
    for (const item of items) {
      if (Array.isArray(item) || item instanceof Map || item instanceof PySet) {
        throw new PyError('TypeError', 'unhashable item of a set');
      }
      if (!distinct.some((other) => pyEquals(other, item))) distinct.push(item);
    }
    return new PySet(distinct);
  }

  #signed(sign: string): PyValue {
    this.#at += 1;
    this.#space();
    const operand = this.#string() ?? (this.#peek() === '(' ? this.#value() : this.#number()) ?? null;
    if (operand instanceof Float) return sign === '-' ? new Float(-operand.value) : operand;
    if (!isInt(operand)) throw this.#malformed();
    return sign === '-' ? (typeof operand === 'bigint' ? -operand : 0 - operand) : operand;
  }

  #string(): string | undefined {
    let result: string | undefined;
    for (;;) {
      const start = this.#match(STRING_START);
      if (start === null) return result;
      result = (result ?? '') + this.#stringRest(start[1] ?? '', start[2] ?? '');
      this.#space();
    }
  }

  #stringRest(prefix: string, quote: string): string {
    const kind = prefix.toLowerCase();
    if (kind === 'f' || kind === 'fr' || kind === 'rf') throw this.#malformed();
    if (kind.includes('b')) throw new PyError('Unsupported', 'bytes in a Python literal');
    if (kind !== '' && kind !== 'r' && kind !== 'u') throw this.#fault('invalid syntax');
    const begin = this.#at;
    for (let at = begin; at < this.#text.length; at += 1) {
      if (this.#text.startsWith(quote, at)) {
        this.#at = at + quote.length;
        const inside = this.#text.slice(begin, at).replace(/\r\n?/g, '\n');
        return kind === 'r' ? inside : unescapeLiteral(inside, begin);
      }
      if (this.#text[at] === '\\') at += this.#text.startsWith('\r\n', at + 1) ? 2 : 1;
      else if (this.#text[at] === '\n' && quote.length === 1) break;
    }
    throw this.#fault('unterminated string literal');
  }

  #number(): PyValue | undefined {
    const match = this.#match(NUMBER);
    if (match === null) return undefined;
    const [all, float, complex] = match;
    if (complex !== undefined) throw new PyError('Unsupported', `the complex number ${all}`);
    if (float !== undefined) return new Float(Number(float.replaceAll('_', '')));
    return pyToInt(all, 0);
  }

  #name(): PyValue {
    const begin = this.#at;
    const name = this.#match(NAME)?.[0];
    if (name === undefined) {
      if (this.#text.startsWith('...', begin)) throw new PyError('Unsupported', "'...' in a Python literal");
      throw this.#fault('invalid syntax');
    }
    const value = NAMES.get(name);
    if (value !== undefined) return value;
    if (name === 'set') {
      this.#space();
      if (this.#peek() === '(') {
        return this.#within(')', () => {
          this.#space();
          if (this.#peek() !== ')') throw this.#malformed();
          return new PySet([]);
        });
      }
    }
    throw this.#malformed(begin);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #take(unit: string): boolean {
    if (this.#peek() !== unit) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    this.#match(this.#depth > 0 ? SPACE_AND_LINES : SPACE);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #fault(message: string): PyError {
    return new PyError('SyntaxError', `${message} at offset ${this.#at}`, { position: this.#at });
  }

  #malformed(at = this.#at): PyError {
    return new PyError('ValueError', `malformed node or string at offset ${at}`, { position: at });
  }
}
