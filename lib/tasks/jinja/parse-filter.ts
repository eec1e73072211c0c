import type { Arguments, Expression } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { FILTERS, UNSUPPORTED_FILTERS } from './filters.ts';
import { parseArguments, parseCall, parsePostfix, parsePrimary } from './parse-primary.ts';
import { TESTS, UNSUPPORTED_TESTS } from './tests.ts';

const NO_ARGUMENTS: Arguments = { positional: [], named: [] };

/** Filters (`|name`), tests (`is name`) and calls behind an expression. */
export function parseFilters(cursor: Cursor, node: Expression): Expression {
  let result = node;
  for (;;) {
    if (cursor.isOperator('|')) result = parseFilterChain(cursor, result);
    else if (cursor.isName('is')) result = parseTest(cursor, result);
    else if (cursor.isOperator('(')) result = parseCall(cursor, result);
    else return result;
  }
}

/** The filters `|a|b(…)` on a target; with `inline` the first of them stands here without its bar. */
export function parseFilterChain(cursor: Cursor, target: Expression, inline?: boolean): Expression;
export function parseFilterChain(
  cursor: Cursor,
  target: Expression | null,
  inline?: boolean,
): Expression | null;
export function parseFilterChain(
  cursor: Cursor,
  target: Expression | null,
  inline = false,
): Expression | null {
  let result = target;
  for (let first = inline; first || cursor.skipOperator('|'); first = false) {
    const { at } = cursor.current;
    const name = dottedName(cursor);
    if (!FILTERS.has(name)) {
      if (UNSUPPORTED_FILTERS.has(name)) throw cursor.source.unsupported(`the filter '${name}'`, at);
      throw cursor.source.invalid(`no filter named '${name}'`, at);
    }
    const args = cursor.isOperator('(') ? parseArguments(cursor) : NO_ARGUMENTS;
    result = { kind: 'filter', target: result, name, args, at: result?.at ?? at };
  }
  return result;
}

function parseTest(cursor: Cursor, target: Expression): Expression {
  cursor.next();
  const negated = cursor.skipName('not');
  const { at } = cursor.current;
  const name = dottedName(cursor);
  if (!TESTS.has(name)) {
    if (UNSUPPORTED_TESTS.has(name)) throw cursor.source.unsupported(`the test '${name}'`, at);
    throw cursor.source.invalid(`no test named '${name}'`, at);
  }
  const test: Expression = { kind: 'test', target, name, args: testArguments(cursor), at: target.at };
  return negated ? { kind: 'not', operand: test, at: target.at } : test;
}

// A test takes its arguments in parentheses, or one operand without.
function testArguments(cursor: Cursor): Arguments {
  if (cursor.isOperator('(')) return parseArguments(cursor);
  const { type, at } = cursor.current;
  const operand = type === 'name' || type === 'string' || type === 'number';
  if (!operand && !cursor.isOperator('[') && !cursor.isOperator('{')) return NO_ARGUMENTS;
  if (cursor.isName('else', 'or', 'and')) return NO_ARGUMENTS;
  if (cursor.isName('is')) throw cursor.source.invalid('tests with is cannot be chained', at);
  return { positional: [parsePostfix(cursor, parsePrimary(cursor))], named: [] };
}

function dottedName(cursor: Cursor): string {
  let name = cursor.expectName().text;
  while (cursor.skipOperator('.')) name += `.${cursor.expectName().text}`;
  return name;
}
