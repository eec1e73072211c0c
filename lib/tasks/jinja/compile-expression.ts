import { arithmetic, negate, positive } from '../pylang/arithmetic.ts';
import { setItem } from '../pylang/dict.ts';
import { pyCompare, pyEquals, PyError, type PyValue, Tuple } from '../pylang/index.ts';
import { pyContains } from '../pylang/sequence.ts';
import type { PyKey } from '../pylang/value.ts';
import { getAttribute, getItem, getSlice } from './access.ts';
import type { Given } from './arguments.ts';
import type { Arguments, CompareOperator, Expression } from './ast.ts';
import { FILTERS } from './filters.ts';
import type { Frame } from './frame.ts';
import { FUNCTIONS, isGlobal, UNSUPPORTED_FUNCTIONS } from './functions.ts';
import { callMethod, isMethod } from './methods.ts';
import type { Source } from './place.ts';
import { TESTS } from './tests.ts';
import { isNothing, iterate, Lazy, plain, text, truthy, Undefined, type Value, valueType } from './value.ts';

export type Evaluate = (frame: Frame) => Value;

type Of<Kind extends Expression['kind']> = Extract<Expression, { readonly kind: Kind }>;

/** Compiles an expression to a closure. What Python or Jinja would raise is thrown as PyError. */
export function compileExpression(node: Expression, source: Source): Evaluate {
  const compile = (part: Expression): Evaluate => compileExpression(part, source);
  switch (node.kind) {
    case 'constant':
      return () => node.value;
    case 'name':
      return compileName(node.name);
    case 'list':
    case 'tuple':
      return compileItems(node, compile);
    case 'dict':
      return compileDict(node, compile);
    case 'attribute': {
      const target = compile(node.target);
      return (frame) => getAttribute(target(frame), node.name);
    }
    case 'item': {
      const [target, index] = [compile(node.target), compile(node.index)];
      return (frame) => getItem(target(frame), plain(index(frame)));
    }
    case 'slice':
      return compileSlice(node, compile);
    case 'method':
      return compileMethod(node, compile, source);
    case 'call':
      return compileCall(node, compile, source);
    case 'filter':
      return compileFilter(node, compile);
    case 'test':
      return compileTest(node, compile);
    default:
      return compileOperator(node, compile);
  }
}

type Operators = Of<
  'not' | 'negative' | 'positive' | 'and' | 'or' | 'arithmetic' | 'concat' | 'compare' | 'condition'
>;
type Compile = (part: Expression) => Evaluate;

function compileOperator(node: Operators, compile: Compile): Evaluate {
  switch (node.kind) {
    case 'not':
    case 'negative':
    case 'positive':
      return compileUnary(node.kind, compile(node.operand));
    case 'and':
    case 'or': {
      const [left, right, decides] = [compile(node.left), compile(node.right), node.kind === 'or'];
      return (frame) => {
        const value = left(frame);
        return truthy(value) === decides ? value : right(frame);
      };
    }
    case 'arithmetic': {
      const [left, right] = [compile(node.left), compile(node.right)];
      return (frame) => arithmetic(node.operator, plain(left(frame)), plain(right(frame)));
    }
    case 'concat': {
      const items = node.items.map(compile);
      return (frame) => items.map((item) => text(item(frame))).join('');
    }
    case 'compare':
      return compileCompare(node, compile);
    case 'condition': {
      const [test, then] = [compile(node.test), compile(node.value)];
      const otherwise = node.otherwise === null ? undefined : compile(node.otherwise);
      const nothing = new Undefined('the inline if-expression was false and has no else', true);
      return (frame) =>
        truthy(test(frame)) ? then(frame) : otherwise === undefined ? nothing : otherwise(frame);
    }
  }
}

function compileUnary(kind: 'not' | 'negative' | 'positive', operand: Evaluate): Evaluate {
  if (kind === 'not') return (frame) => !truthy(operand(frame));
  const apply = kind === 'negative' ? negate : positive;
  return (frame) => apply(plain(operand(frame)));
}

function compileName(name: string): Evaluate {
  const missing = new Undefined(`'${name}' is undefined`);
  return (frame) => {
    const value = frame.get(name);
    if (value !== undefined) return value;
    if (isGlobal(name)) throw new PyError('Unsupported', `the function '${name}' without a call`);
    return missing;
  };
}

function compileItems(node: Of<'list' | 'tuple'>, compile: Compile): Evaluate {
  const items = node.items.map(compile);
  if (node.kind === 'list') return (frame) => items.map((item) => plain(item(frame)));
  return (frame) => new Tuple(items.map((item) => plain(item(frame))));
}

function compileDict(node: Of<'dict'>, compile: Compile): Evaluate {
  const pairs = node.pairs.map(([key, value]): [Evaluate, Evaluate] => [compile(key), compile(value)]);
  return (frame) => {
    const dict = new Map<PyKey, PyValue>();
    for (const [key, value] of pairs) setItem(dict, plain(key(frame)), plain(value(frame)));
    return dict;
  };
}

function compileSlice(node: Of<'slice'>, compile: Compile): Evaluate {
  const target = compile(node.target);
  const [start, stop, step] = node.bounds.map((bound) => (bound === null ? undefined : compile(bound)));
  const at = (bound: Evaluate | undefined, frame: Frame): PyValue =>
    bound === undefined ? null : plain(bound(frame));
  return (frame) =>
    getSlice(target(frame), { start: at(start, frame), stop: at(stop, frame), step: at(step, frame) });
}

function compileArguments(args: Arguments, compile: Compile): (frame: Frame) => Given {
  const positional = args.positional.map(compile);
  const named = args.named.map(([name, value]): [string, Evaluate] => [name, compile(value)]);
  if (positional.length === 0 && named.length === 0) {
    const none: Given = { positional: [], named: new Map() };
    return () => none;
  }
  return (frame) => ({
    positional: positional.map((value) => value(frame)),
    named: new Map(named.map(([name, value]) => [name, value(frame)])),
  });
}

function compileMethod(node: Of<'method'>, compile: Compile, source: Source): Evaluate {
  if (!isMethod(node.name)) throw source.unsupported(`the method '${node.name}'`, node.at);
  const [target, given] = [compile(node.target), compileArguments(node.args, compile)];
  return (frame) => callMethod(target(frame), node.name, given(frame));
}

function compileCall(node: Of<'call'>, compile: Compile, source: Source): Evaluate {
  const apply = FUNCTIONS.get(node.name);
  if (UNSUPPORTED_FUNCTIONS.has(node.name)) {
    throw source.unsupported(`the function '${node.name}'`, node.at);
  }
  const [name, given] = [compileName(node.name), compileArguments(node.args, compile)];
  return (frame) => {
    const own = frame.get(node.name);
    if (own === undefined && apply !== undefined) return apply(given(frame));
    const value = own ?? name(frame);
    if (value instanceof Undefined) throw value.fault();
    throw new PyError('TypeError', `'${valueType(value)}' object is not callable`);
  };
}

function compileFilter(node: Of<'filter'>, compile: Compile): Evaluate {
  const filter = FILTERS.get(node.name);
  if (filter === undefined) throw new PyError('ValueError', `No filter named '${node.name}'.`);
  const target = node.target === null ? blockText : compile(node.target);
  const given = compileArguments(node.args, compile);
  return (frame) => filter(target(frame), given(frame));
}

/** The variable that holds a block's text for the filters on it; no template can name it. */
export const BLOCK_TEXT = '(block)';

function blockText(frame: Frame): Value {
  return frame.get(BLOCK_TEXT) ?? '';
}

function compileTest(node: Of<'test'>, compile: Compile): Evaluate {
  const test = TESTS.get(node.name);
  if (test === undefined) throw new PyError('ValueError', `No test named '${node.name}'.`);
  const [target, given] = [compile(node.target), compileArguments(node.args, compile)];
  return (frame) => test(target(frame), given(frame));
}

function compileCompare(node: Of<'compare'>, compile: Compile): Evaluate {
  const first = compile(node.first);
  const rest = node.rest.map(([operator, operand]): [CompareOperator, Evaluate] => [
    operator,
    compile(operand),
  ]);
  return (frame) => {
    let left = first(frame);
    for (const [operator, operand] of rest) {
      const right = operand(frame);
      if (!compare(operator, left, right)) return false;
      left = right;
    }
    return true;
  };
}

function compare(operator: CompareOperator, left: Value, right: Value): boolean {
  if ((operator === '==' || operator === '!=') && (isNothing(left) || isNothing(right))) {
    return (isNothing(left) && isNothing(right)) === (operator === '==');
  }
  const a = plain(left);
  switch (operator) {
    case '==':
      return pyEquals(a, plain(right));
    case '!=':
      return !pyEquals(a, plain(right));
    case 'in':
      return contains(right, a);
    case 'not in':
      return !contains(right, a);
    case '<':
      return pyCompare(a, plain(right), operator) < 0;
    case '<=':
      return pyCompare(a, plain(right), operator) <= 0;
    case '>':
      return pyCompare(a, plain(right), operator) > 0;
    case '>=':
      return pyCompare(a, plain(right), operator) >= 0;
  }
}

function contains(container: Value, item: PyValue): boolean {
  return pyContains(
    container instanceof Lazy || isNothing(container) ? iterate(container) : plain(container),
    item,
  );
}
