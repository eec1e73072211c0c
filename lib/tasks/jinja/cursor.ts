import type { Expression } from './ast.ts';
import type { Token } from './lexer.ts';
import type { Source } from './place.ts';

export interface TupleOptions {
  /** False where an `if` ends the expression. */
  readonly condition?: boolean;
  /** Words that end the tuple. */
  readonly ends?: readonly string[];
  /** Within parentheses, where nothing is an empty tuple. */
  readonly parentheses?: boolean;
}

/** The rules that brackets, arguments and subscripts lead back to. */
export interface Grammar {
  expression(cursor: Cursor): Expression;
  tuple(cursor: Cursor, options?: TupleOptions): Expression;
}

/** A position in the tokens of a template. */
export class Cursor {
  readonly source: Source;
  readonly grammar: Grammar;
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  #index = 0;

  constructor(source: Source, tokens: readonly Token[], grammar: Grammar) {
    this.source = source;
    this.grammar = grammar;
    this.#tokens = tokens;
    this.#end = { type: 'end', text: '', value: null, at: source.text.length };
  }

  get current(): Token {
    return this.#tokens[this.#index] ?? this.#end;
  }

  get following(): Token {
    return this.#tokens[this.#index + 1] ?? this.#end;
  }

  next(): Token {
    const token = this.current;
    this.#index += 1;
    return token;
  }

  isOperator(text: string): boolean {
    return this.current.type === 'operator' && this.current.text === text;
  }

  isName(...names: string[]): boolean {
    return this.current.type === 'name' && names.includes(this.current.text);
  }

  /** Steps over an operator or a word when it stands here. */
  skipOperator(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.#index += 1;
    return true;
  }

  skipName(name: string): boolean {
    if (!this.isName(name)) return false;
    this.#index += 1;
    return true;
  }

  expectOperator(text: string): Token {
    if (!this.isOperator(text)) throw this.unexpected(`'${text}'`);
    return this.next();
  }

  expectName(): Token {
    if (this.current.type !== 'name') throw this.unexpected('a name');
    return this.next();
  }

  expect(type: 'output-end' | 'block-end'): Token {
    if (this.current.type !== type) throw this.unexpected(type === 'block-end' ? "'%}'" : "'}}'");
    return this.next();
  }

  unexpected(wanted: string): Error {
    return this.source.invalid(`expected ${wanted}, got ${describe(this.current)}`, this.current.at);
  }
}

function describe(token: Token): string {
  switch (token.type) {
    case 'name':
    case 'operator':
      return `'${token.text}'`;
    case 'output-end':
      return "'}}'";
    case 'block-end':
      return "'%}'";
    case 'end':
      return 'the end of the template';
    default:
      return `a ${token.type}`;
  }
}
