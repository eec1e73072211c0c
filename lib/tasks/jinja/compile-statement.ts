import { PyError, type PyValue } from '../pylang/index.ts';
import { pyItems } from '../pylang/sequence.ts';
import type { Expression, Statement, Target } from './ast.ts';
import { BLOCK_TEXT, compileExpression, type Evaluate } from './compile-expression.ts';
import type { Frame } from './frame.ts';
import type { Source } from './place.ts';
import { iterate, Loop, Namespace, plain, text, truthy, type Value, valueType } from './value.ts';

/** Renders a part of a template in a frame. */
export type Write = (frame: Frame) => string;

type Of<Kind extends Statement['kind']> = Extract<Statement, { readonly kind: Kind }>;

/** Compiles statements to one closure that throws AssayError with the place of what failed. */
export function compileBody(body: readonly Statement[], source: Source): Write {
  const parts = body.map((statement) => compileStatement(statement, source));
  const [first, second, third] = parts;
  if (first === undefined) return () => '';
  if (second === undefined) return first;
  if (third === undefined) return (frame) => first(frame) + second(frame);
  return (frame) => {
    let result = '';
    for (const part of parts) result += part(frame);
    return result;
  };
}

/** An expression made into a result; faults of either name its place. */
export function compilePlaced<Result>(
  node: Expression,
  source: Source,
  finish: (value: Value) => Result,
): (frame: Frame) => Result {
  const evaluate = compileExpression(node, source);
  return (frame) => placed(source, node.at, () => finish(evaluate(frame)));
}

function compileStatement(node: Statement, source: Source): Write {
  switch (node.kind) {
    case 'text':
      return () => node.text;
    case 'output':
      return compilePlaced(node.value, source, text);
    case 'if':
      return compileIf(node, source);
    case 'for':
      return compileFor(node, source);
    case 'set': {
      const value = compileExpression(node.value, source);
      return (frame) => {
        placed(source, node.at, () => assign(frame, node.target, value(frame)));
        return '';
      };
    }
    case 'set-block':
      return compileSetBlock(node, source);
    case 'with':
      return compileWith(node, source);
    case 'filter-block': {
      const block = compileBlock(node.body, node.filter, source);
      return (frame) => placed(source, node.at, () => text(block(frame)));
    }
  }
}

function compileIf(node: Of<'if'>, source: Source): Write {
  const branches = node.branches.map(([test, body]): [(frame: Frame) => boolean, Write] => [
    compilePlaced(test, source, truthy),
    compileBody(body, source),
  ]);
  const otherwise = compileBody(node.otherwise, source);
  return (frame) => {
    for (const [test, body] of branches) if (test(frame)) return body(frame);
    return otherwise(frame);
  };
}

function compileFor(node: Of<'for'>, source: Source): Write {
  const items = compileExpression(node.items, source);
  const test = node.test === null ? undefined : compilePlaced(node.test, source, truthy);
  const body = compileBody(node.body, source);
  const otherwise = compileBody(node.otherwise, source);
  const bindItem = (frame: Frame, item: PyValue): Frame => {
    const inner = frame.inner();
    assign(inner, node.target, item);
    return inner;
  };
  return (frame) => {
    const chosen = placed(source, node.items.at, () => {
      const all = iterate(items(frame));
      return test === undefined ? all : all.filter((item) => test(bindItem(frame, item)));
    });
    if (chosen.length === 0) return otherwise(frame.inner());
    const loop = new Loop(chosen);
    let result = '';
    for (let index = 0; index < chosen.length; index += 1) {
      loop.index0 = index;
      const inner = placed(source, node.at, () => bindItem(frame, chosen[index] ?? null));
      inner.set('loop', loop);
      result += body(inner);
    }
    return result;
  };
}

function compileSetBlock(node: Of<'set-block'>, source: Source): Write {
  const block = compileBlock(node.body, node.filter, source);
  return (frame) => {
    placed(source, node.at, () => assign(frame, node.target, block(frame)));
    return '';
  };
}

function compileWith(node: Of<'with'>, source: Source): Write {
  const pairs = node.pairs.map(([target, value]): [Target, Evaluate] => [
    target,
    compilePlaced(value, source, (one) => one),
  ]);
  const body = compileBody(node.body, source);
  return (frame) => {
    const inner = frame.inner();
    const values = pairs.map(([target, value]): [Target, Value] => [target, value(frame)]);
    for (const [target, value] of values) placed(source, node.at, () => assign(inner, target, value));
    return body(inner);
  };
}

// A block's text, with the filters on it applied; what is set inside stays inside.
function compileBlock(body: readonly Statement[], filter: Expression | null, source: Source): Evaluate {
  const write = compileBody(body, source);
  if (filter === null) return (frame) => write(frame.inner());
  const apply = compileExpression(filter, source);
  return (frame) => {
    const inner = frame.inner();
    inner.set(BLOCK_TEXT, write(inner.inner()));
    return apply(inner);
  };
}

function assign(frame: Frame, target: Target, value: Value): void {
  switch (target.kind) {
    case 'name':
      return frame.set(target.name, value);
    case 'unpack':
      return unpack(frame, target.targets, value);
    case 'namespace': {
      const namespace = frame.get(target.name);
      if (!(namespace instanceof Namespace)) {
        throw new PyError('TypeError', 'cannot assign attribute on non-namespace object');
      }
      namespace.attributes.set(target.attribute, value);
    }
  }
}

function unpack(frame: Frame, targets: readonly Target[], value: Value): void {
  const items = pyItems(plain(value));
  if (items === undefined) {
    throw new PyError('TypeError', `cannot unpack non-iterable ${valueType(value)} object`);
  }
  if (items.length !== targets.length) {
    const shown = items.length < targets.length ? `not enough values to unpack` : `too many values to unpack`;
    throw new PyError('ValueError', `${shown} (expected ${targets.length}, got ${items.length})`);
  }
  targets.forEach((target, index) => assign(frame, target, items[index] ?? null));
}

// Runs a step of a render; a fault of Python's semantics becomes ours, with its place.
function placed<Result>(source: Source, at: number, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    if (error instanceof RangeError) throw source.invalid('nested too deeply', at, error);
    if (!(error instanceof PyError)) throw error;
    if (error.type === 'Unsupported') throw source.unsupported(error.message, at, error);
    const prefix = error.type === 'UndefinedError' ? '' : `${error.type}: `;
    throw source.invalid(prefix + error.message, at, error);
  }
}
