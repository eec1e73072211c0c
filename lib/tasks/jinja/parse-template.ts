import type { Expression, Statement, Target } from './ast.ts';
import { Cursor } from './cursor.ts';
import { tokenize } from './lexer.ts';
import { parseExpression, parseTuple } from './parse-expression.ts';
import { parseFilterChain } from './parse-filter.ts';
import { isConstantName } from './parse-primary.ts';
import type { Source } from './place.ts';

const UNSUPPORTED: ReadonlySet<string> = new Set([
  'macro',
  'call',
  'block',
  'extends',
  'include',
  'import',
  'from',
  'autoescape', // Jinja's own
  'do',
  'break',
  'continue',
  'trans',
  'pluralize',
  'debug', // of its extensions
]);

/** The statements of a template. */
export function parseTemplate(source: Source): Statement[] {
  const cursor = new Cursor(source, tokenize(source), { expression: parseExpression, tuple: parseTuple });
  const body = parseBody(cursor, []);
  if (cursor.current.type !== 'end') throw cursor.unexpected('the end of the template');
  return body;
}

// Reads until a `{% word` of `ends`, and stops at that word.
function parseBody(cursor: Cursor, ends: readonly string[]): Statement[] {
  const body: Statement[] = [];
  for (;;) {
    const token = cursor.current;
    if (token.type === 'end') {
      if (ends.length === 0) return body;
      throw cursor.unexpected(ends.map((name) => `'{% ${name} %}'`).join(' or '));
    }
    cursor.next();
    if (token.type === 'data') body.push({ kind: 'text', text: token.text, at: token.at });
    else if (token.type === 'output') {
      body.push({ kind: 'output', at: cursor.current.at, value: parseTuple(cursor) });
      cursor.expect('output-end');
    } else {
      if (cursor.isName(...ends)) return body;
      body.push(parseStatement(cursor, token.at));
      cursor.expect('block-end');
    }
  }
}

function parseStatement(cursor: Cursor, at: number): Statement {
  const { text } = cursor.expectName();
  switch (text) {
    case 'if':
      return parseIf(cursor, at);
    case 'for':
      return parseFor(cursor, at);
    case 'set':
      return parseSet(cursor, at);
    case 'with':
      return parseWith(cursor, at);
    case 'filter':
      return parseFilterBlock(cursor, at);
    case 'print':
      return { kind: 'output', value: parseTuple(cursor), at };
    default:
      if (UNSUPPORTED.has(text)) throw cursor.source.unsupported(`the statement '${text}'`, at);
      throw cursor.source.invalid(`unknown or misplaced tag '${text}'`, at);
  }
}

// The body behind a statement's head; the word that ends it is taken, its `%}` is not.
function parseBlock(cursor: Cursor, ends: readonly string[]): [Statement[], string] {
  cursor.skipOperator(':');
  cursor.expect('block-end');
  const body = parseBody(cursor, ends);
  return [body, cursor.next().text];
}

function parseIf(cursor: Cursor, at: number): Statement {
  const branches: [Expression, Statement[]][] = [];
  for (;;) {
    const test = parseTuple(cursor, { condition: false });
    const [body, end] = parseBlock(cursor, ['elif', 'else', 'endif']);
    branches.push([test, body]);
    if (end === 'elif') continue;
    const otherwise = end === 'else' ? parseBlock(cursor, ['endif'])[0] : [];
    return { kind: 'if', branches, otherwise, at };
  }
}

function parseFor(cursor: Cursor, at: number): Statement {
  const target = parseTargets(cursor, 'in');
  if (!cursor.skipName('in')) throw cursor.unexpected("'in'");
  const items = parseTuple(cursor, { condition: false, ends: ['recursive'] });
  const test = cursor.skipName('if') ? parseExpression(cursor) : null;
  if (cursor.isName('recursive')) throw cursor.source.unsupported('a recursive for', cursor.current.at);
  const [body, end] = parseBlock(cursor, ['endfor', 'else']);
  const otherwise = end === 'else' ? parseBlock(cursor, ['endfor'])[0] : [];
  return { kind: 'for', target, items, test, body, otherwise, at };
}

function parseSet(cursor: Cursor, at: number): Statement {
  const target = parseTargets(cursor, '');
  if (cursor.skipOperator('=')) return { kind: 'set', target, value: parseTuple(cursor), at };
  const filter = parseFilterChain(cursor, null);
  const [body] = parseBlock(cursor, ['endset']);
  return { kind: 'set-block', target, filter, body, at };
}

function parseWith(cursor: Cursor, at: number): Statement {
  const pairs: [Target, Expression][] = [];
  while (cursor.current.type !== 'block-end') {
    if (pairs.length > 0) cursor.expectOperator(',');
    const target = parseTarget(cursor);
    cursor.expectOperator('=');
    pairs.push([target, parseExpression(cursor)]);
  }
  const [body] = parseBlock(cursor, ['endwith']);
  return { kind: 'with', pairs, body, at };
}

function parseFilterBlock(cursor: Cursor, at: number): Statement {
  const filter = parseFilterChain(cursor, null, true);
  if (filter === null) throw cursor.unexpected('a filter');
  const [body] = parseBlock(cursor, ['endfilter']);
  return { kind: 'filter-block', filter, body, at };
}

// One target, or with commas the several that a sequence is unpacked to.
function parseTargets(cursor: Cursor, end: string): Target {
  const first = parseTarget(cursor);
  if (!cursor.isOperator(',')) return first;
  const targets = [first];
  while (cursor.skipOperator(',')) {
    if (cursor.isName(end) || cursor.isOperator('=') || cursor.isOperator(')')) break;
    targets.push(parseTarget(cursor));
  }
  return { kind: 'unpack', targets };
}

function parseTarget(cursor: Cursor): Target {
  if (cursor.skipOperator('(')) {
    const inside = parseTargets(cursor, '');
    cursor.expectOperator(')');
    return inside;
  }
  const token = cursor.expectName();
  if (isConstantName(token.text)) throw cursor.source.invalid(`can't assign to '${token.text}'`, token.at);
  if (!cursor.skipOperator('.')) return { kind: 'name', name: token.text };
  return { kind: 'namespace', name: token.text, attribute: cursor.expectName().text };
}
