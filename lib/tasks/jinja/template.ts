import type { PyValue } from '../pylang/index.ts';
import type { Statement } from './ast.ts';
import { compileBody, compilePlaced } from './compile-statement.ts';
import { Frame, type Scope } from './frame.ts';
import { namesOf } from './names.ts';
import { parseTemplate } from './parse-template.ts';
import { type Place, Source } from './place.ts';
import { iterate, Lazy, plain } from './value.ts';

/** A compiled template, free of state: it may be rendered any number of times. */
export interface Template {
  /** Throws AssayError: TASK_INVALID (undefined variable, type fault) or TASK_UNSUPPORTED, with file, line and column. */
  render(scope: Scope): string;
  /** The value of a template that is one `{{ expression }}` and nothing else; the rendered text of any other. */
  evaluate(scope: Scope): PyValue;
  /** Variables that the template needs of its scope: a render without one may fail. */
  readonly names: ReadonlySet<string>;
  /** Variables that it reads too, but provides for their absence (`is defined`, `is undefined`, `default`). */
  readonly optionalNames: ReadonlySet<string>;
}

/**
 * Compiles a template as lm-evaluation-harness' Jinja2 environment does: StrictUndefined, keep_trailing_newline, blocks not
 * trimmed, no escaping, the filter `regex_replace`. Throws AssayError: TASK_INVALID for what Jinja refuses, TASK_UNSUPPORTED
 * for what only this engine refuses; both name file, line and column.
 */
export function compileTemplate(source: string, where: Place): Template {
  const placed = new Source(source, where);
  try {
    return compile(placed);
  } catch (error) {
    if (error instanceof RangeError) throw placed.invalid('nested too deeply', 0, error);
    throw error;
  }
}

function compile(source: Source): Template {
  const body = parseTemplate(source);
  const write = compileBody(body, source);
  const { required, optional } = namesOf(body);
  const render = (scope: Scope): string => write(new Frame(scope));
  return { render, evaluate: compileValue(body, source) ?? render, names: required, optionalNames: optional };
}

function compileValue(body: readonly Statement[], source: Source): ((scope: Scope) => PyValue) | undefined {
  const [only, ...others] = body;
  if (only?.kind !== 'output' || others.length > 0) return undefined;
  const evaluate = compilePlaced(only.value, source, (value) =>
    value instanceof Lazy ? iterate(value) : plain(value),
  );
  return (scope) => evaluate(new Frame(scope));
}
