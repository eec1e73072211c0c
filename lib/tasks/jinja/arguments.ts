import { PyError, type PyValue } from '../pylang/index.ts';
import { pyToInt } from '../pylang/number.ts';
import { isInt, typeName } from '../pylang/value.ts';
import { plain, type Value } from './value.ts';

/** The arguments of a call, evaluated. */
export interface Given {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A filter, a test or a method: its subject and its arguments to a value. */
export type Callable<Subject = Value, Result = Value> = (subject: Subject, given: Given) => Result;

/** A callable with named parameters. The first `required` of them must be given; the others may be undefined. */
export function define<Subject, Result>(
  parameters: readonly string[],
  required: number,
  apply: (subject: Subject, ...args: (PyValue | undefined)[]) => Result,
): Callable<Subject, Result> {
  return (subject, given) => {
    const args = bind(parameters, given);
    for (let index = 0; index < required; index += 1) {
      if (args[index] === undefined) {
        throw new PyError('TypeError', `missing required argument '${parameters[index] ?? ''}'`);
      }
    }
    return apply(subject, ...args);
  };
}

/** Positional and named arguments in the order of the parameters. */
export function bind(parameters: readonly string[], given: Given): (PyValue | undefined)[] {
  if (given.positional.length > parameters.length) {
    throw new PyError(
      'TypeError',
      `takes at most ${parameters.length} arguments, ${given.positional.length} given`,
    );
  }
  const args: (PyValue | undefined)[] = given.positional.map(plain);
  while (args.length < parameters.length) args.push(undefined);
  for (const [name, value] of given.named) {
    const index = parameters.indexOf(name);
    if (index === -1) throw new PyError('TypeError', `got an unexpected keyword argument '${name}'`);
    if (args[index] !== undefined)
      throw new PyError('TypeError', `got multiple values for argument '${name}'`);
    args[index] = plain(value);
  }
  return args;
}

/** An argument that must be a text. */
export function needText(value: PyValue | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new PyError('TypeError', `${what} must be str, not ${typeName(value ?? null)}`);
}

/** A text, or undefined for `None` and an argument not given. */
export function optionalText(value: PyValue | undefined, what: string): string | undefined {
  return value === undefined || value === null ? undefined : needText(value, what);
}

/** An argument that must be an int (a bool is one), as a JavaScript number. */
export function needInt(value: PyValue | undefined, what: string): number {
  if (value !== undefined && (isInt(value) || typeof value === 'boolean')) return Number(pyToInt(value));
  throw new PyError('TypeError', `${what} must be int, not ${typeName(value ?? null)}`);
}
