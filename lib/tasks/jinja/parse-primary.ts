import type { Arguments, Expression } from './ast.ts';
import type { Cursor } from './cursor.ts';

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

/** True for a name that no template may assign to. */
export function isConstantName(name: string): boolean {
  return CONSTANTS.has(name);
}

/** A name, a literal, or an expression in brackets. */
export function parsePrimary(cursor: Cursor): Expression {
  const { type, text, value, at } = cursor.current;
  if (type === 'name') {
    cursor.next();
    const constant = CONSTANTS.get(text);
    return constant === undefined
      ? { kind: 'name', name: text, at }
      : { kind: 'constant', value: constant, at };
  }
  if (type === 'number') {
    cursor.next();
    return { kind: 'constant', value, at };
  }
  if (type === 'string') {
    let joined = '';
    while (cursor.current.type === 'string') {
      const part = cursor.next().value;
      if (typeof part === 'string') joined += part;
    }
    return { kind: 'constant', value: joined, at };
  }
  if (cursor.skipOperator('(')) {
    const inside = cursor.grammar.tuple(cursor, { parentheses: true });
    cursor.expectOperator(')');
    return inside;
  }
  if (cursor.skipOperator('[')) {
    return { kind: 'list', items: parseItems(cursor, ']', () => cursor.grammar.expression(cursor)), at };
  }
  if (cursor.skipOperator('{'))
    return { kind: 'dict', pairs: parseItems(cursor, '}', () => pair(cursor)), at };
  throw cursor.unexpected('an expression');
}

function parseItems<T>(cursor: Cursor, close: string, parse: () => T): T[] {
  const items: T[] = [];
  while (!cursor.isOperator(close)) {
    if (items.length > 0) cursor.expectOperator(',');
    if (cursor.isOperator(close)) break;
    items.push(parse());
  }
  cursor.next();
  return items;
}

function pair(cursor: Cursor): [Expression, Expression] {
  const key = cursor.grammar.expression(cursor);
  cursor.expectOperator(':');
  return [key, cursor.grammar.expression(cursor)];
}

/** Attributes, subscripts and calls behind an expression. */
export function parsePostfix(cursor: Cursor, node: Expression): Expression {
  let result = node;
  for (;;) {
    if (cursor.isOperator('.')) result = parseAttribute(cursor, result);
    else if (cursor.isOperator('[')) result = parseSubscript(cursor, result);
    else if (cursor.isOperator('(')) result = parseCall(cursor, result);
    else return result;
  }
}

function parseAttribute(cursor: Cursor, target: Expression): Expression {
  const { at } = target;
  cursor.next();
  const token = cursor.next();
  if (token.type === 'name') return { kind: 'attribute', target, name: token.text, at };
  if (token.type !== 'number' || typeof token.value !== 'number') {
    throw cursor.source.invalid('expected name or number', token.at);
  }
  return { kind: 'item', target, index: { kind: 'constant', value: token.value, at: token.at }, at };
}

function parseSubscript(cursor: Cursor, target: Expression): Expression {
  const { at } = target;
  const open = cursor.next();
  const bounds = parseBounds(cursor);
  if (cursor.isOperator(',')) throw cursor.source.unsupported('a subscript of several parts', open.at);
  cursor.expectOperator(']');
  const [index] = bounds;
  if (bounds.length > 1) return { kind: 'slice', target, bounds, at };
  if (index === null || index === undefined) throw cursor.unexpected('an expression');
  return { kind: 'item', target, index, at };
}

// One expression, or the three bounds of a slice.
function parseBounds(cursor: Cursor): (Expression | null)[] {
  const isPart = (): boolean => !cursor.isOperator(':') && !cursor.isOperator(']') && !cursor.isOperator(',');
  const first = isPart() ? cursor.grammar.expression(cursor) : null;
  if (!cursor.skipOperator(':')) return [first];
  const second = isPart() ? cursor.grammar.expression(cursor) : null;
  const third = cursor.skipOperator(':') && isPart() ? cursor.grammar.expression(cursor) : null;
  return [first, second, third];
}

/** A call of `node`, whose opening parenthesis stands here. */
export function parseCall(cursor: Cursor, node: Expression): Expression {
  const { at } = node;
  const args = parseArguments(cursor);
  if (node.kind === 'attribute') return { kind: 'method', target: node.target, name: node.name, args, at };
  if (node.kind === 'name') return { kind: 'call', name: node.name, args, at };
  throw cursor.source.unsupported('a call of anything but a method or a function by its name', at);
}

/** `(a, b, name=c)`. */
export function parseArguments(cursor: Cursor): Arguments {
  cursor.expectOperator('(');
  const positional: Expression[] = [];
  const named: [string, Expression][] = [];
  while (!cursor.isOperator(')')) {
    if (positional.length + named.length > 0) {
      cursor.expectOperator(',');
      if (cursor.isOperator(')')) break;
    }
    const { at, type, text } = cursor.current;
    if (cursor.isOperator('*') || cursor.isOperator('**')) {
      throw cursor.source.unsupported(`an argument list with ${text}`, at);
    }
    if (type === 'name' && cursor.following.type === 'operator' && cursor.following.text === '=') {
      cursor.next();
      cursor.next();
      named.push([text, cursor.grammar.expression(cursor)]);
    } else {
      if (named.length > 0) throw cursor.source.invalid('positional argument follows keyword argument', at);
      positional.push(cursor.grammar.expression(cursor));
    }
  }
  cursor.next();
  return { positional, named };
}
