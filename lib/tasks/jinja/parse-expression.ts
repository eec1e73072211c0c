import type { ArithmeticOperator } from '../pylang/arithmetic.ts';
import type { CompareOperator, Expression } from './ast.ts';
import type { Cursor, TupleOptions } from './cursor.ts';
import { parsePostfix, parsePrimary } from './parse-primary.ts';
import { parseFilters } from './parse-filter.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** An expression; without `condition` one that has no `… if … else …` of its own. */
export function parseExpression(cursor: Cursor, condition = true): Expression {
  return condition ? parseCondition(cursor) : parseOr(cursor);
}

/** An expression, or the tuple that several with commas make. `ends` are words that end it. */
export function parseTuple(cursor: Cursor, options: TupleOptions = {}): Expression {
  const { at } = cursor.current;
  const items: Expression[] = [];
  let comma = false;
  while (!isTupleEnd(cursor, options.ends ?? [])) {
    items.push(parseExpression(cursor, options.condition ?? true));
    if (!cursor.isOperator(',')) break;
    cursor.next();
    comma = true;
  }
  const [first] = items;
  if (!comma && first !== undefined) return first;
  if (first === undefined && options.parentheses !== true) throw cursor.unexpected('an expression');
  return { kind: 'tuple', items, at };
}

function isTupleEnd(cursor: Cursor, ends: readonly string[]): boolean {
  const { type } = cursor.current;
  return type === 'output-end' || type === 'block-end' || cursor.isOperator(')') || cursor.isName(...ends);
}

function parseCondition(cursor: Cursor): Expression {
  const { at } = cursor.current;
  let result = parseOr(cursor);
  while (cursor.skipName('if')) {
    const test = parseOr(cursor);
    const otherwise = cursor.skipName('else') ? parseCondition(cursor) : null;
    result = { kind: 'condition', test, value: result, otherwise, at };
  }
  return result;
}

function parseOr(cursor: Cursor): Expression {
  const { at } = cursor.current;
  let left = parseAnd(cursor);
  while (cursor.skipName('or')) left = { kind: 'or', left, right: parseAnd(cursor), at };
  return left;
}

function parseAnd(cursor: Cursor): Expression {
  const { at } = cursor.current;
  let left = parseNot(cursor);
  while (cursor.skipName('and')) left = { kind: 'and', left, right: parseNot(cursor), at };
  return left;
}

function parseNot(cursor: Cursor): Expression {
  const { at } = cursor.current;
  if (cursor.skipName('not')) return { kind: 'not', operand: parseNot(cursor), at };
  return parseCompare(cursor);
}

function parseCompare(cursor: Cursor): Expression {
  const { at } = cursor.current;
  const first = parseSum(cursor);
  const rest: [CompareOperator, Expression][] = [];
  for (let operator = comparison(cursor); operator !== undefined; operator = comparison(cursor)) {
    rest.push([operator, parseSum(cursor)]);
  }
  return rest.length === 0 ? first : { kind: 'compare', first, rest, at };
}

function comparison(cursor: Cursor): CompareOperator | undefined {
  const token = cursor.current;
  if (token.type === 'operator' && COMPARISONS.has(token.text)) return cursor.next().text as CompareOperator;
  if (cursor.skipName('in')) return 'in';
  const negated = cursor.isName('not') && cursor.following.type === 'name' && cursor.following.text === 'in';
  if (!negated) return undefined;
  cursor.next();
  cursor.next();
  return 'not in';
}

function parseSum(cursor: Cursor): Expression {
  return parseLeft(cursor, ['+', '-'], parseConcat);
}

function parseConcat(cursor: Cursor): Expression {
  const { at } = cursor.current;
  const first = parseProduct(cursor);
  const items = [first];
  while (cursor.skipOperator('~')) items.push(parseProduct(cursor));
  return items.length === 1 ? first : { kind: 'concat', items, at };
}

function parseProduct(cursor: Cursor): Expression {
  return parseLeft(cursor, ['*', '/', '//', '%'], parsePower);
}

// Jinja's power is left-associative and binds looser than a sign, both unlike Python's.
function parsePower(cursor: Cursor): Expression {
  return parseLeft(cursor, ['**'], (inner) => parseUnary(inner));
}

function parseLeft(
  cursor: Cursor,
  operators: readonly ArithmeticOperator[],
  operand: (cursor: Cursor) => Expression,
): Expression {
  const { at } = cursor.current;
  let left = operand(cursor);
  for (;;) {
    const operator = operators.find((text) => cursor.isOperator(text));
    if (operator === undefined) return left;
    cursor.next();
    left = { kind: 'arithmetic', operator, left, right: operand(cursor), at };
  }
}

/** A signed operand with what follows it: subscripts, calls, and unless told otherwise filters and tests. */
export function parseUnary(cursor: Cursor, filters = true): Expression {
  const { at } = cursor.current;
  let node: Expression;
  if (cursor.skipOperator('-')) node = { kind: 'negative', operand: parseUnary(cursor, false), at };
  else if (cursor.skipOperator('+')) node = { kind: 'positive', operand: parseUnary(cursor, false), at };
  else node = parsePrimary(cursor);
  node = parsePostfix(cursor, node);
  return filters ? parseFilters(cursor, node) : node;
}
