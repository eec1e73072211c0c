import { AssayError } from '../errors.ts';
import { type Place, placeText } from './yaml/node.ts';

export interface TaskProblem {
  readonly reason:
    'UNKNOWN_TASK' | 'TASK_INVALID' | 'TASK_UNSUPPORTED' | 'TASK_DATA_INVALID' | 'INVALID_REQUEST';
  /** Position of the selection that it is about. */
  readonly index: number;
  /** A field of the selection, or `file:line:column` (`file:line` for data). */
  readonly field: string;
  readonly message: string;
}

export type Problem = Omit<TaskProblem, 'index'>;

/** Collects what is wrong, so that all of it is told at once. */
export class Problems {
  readonly list: Problem[] = [];

  invalid(place: Place, message: string): void {
    this.add('TASK_INVALID', placeText(place), message);
  }

  unsupported(place: Place, message: string): void {
    this.add('TASK_UNSUPPORTED', placeText(place), message);
  }

  add(reason: Problem['reason'], field: string, message: string): void {
    const known = this.list.some((problem) => problem.field === field && problem.message === message);
    if (!known) this.list.push({ reason, field, message });
  }

  /** What was thrown about something that stands at `place`. Throws again what is no task problem. */
  caught(thrown: unknown, place: Place): void {
    for (const problem of problemsOf(thrown, placeText(place)))
      this.add(problem.reason, problem.field, problem.message);
  }
}

/** One error that says all problems. Its reason is the first one's. */
export function refusal(name: string, problems: readonly Problem[]): AssayError {
  const [first] = problems;
  const text = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new AssayError(first?.reason ?? 'TASK_INVALID', `task ${name}: ${text}`, {
    violations: problems.map(({ field, message }) => ({ field, message })),
  });
}

/** The problems that an error carries; throws the error again when it is not about a task. */
export function problemsOf(thrown: unknown, field: string): readonly Problem[] {
  if (!(thrown instanceof AssayError)) throw thrown;
  const { reason } = thrown;
  if (!isProblemReason(reason)) throw thrown;
  if (thrown.violations.length === 0) return [{ reason, field, message: thrown.message }];
  return thrown.violations.map((violation) => ({ reason, ...violation }));
}

function isProblemReason(reason: string): reason is Problem['reason'] {
  return (
    reason === 'UNKNOWN_TASK' ||
    reason === 'TASK_INVALID' ||
    reason === 'TASK_UNSUPPORTED' ||
    reason === 'TASK_DATA_INVALID' ||
    reason === 'INVALID_REQUEST'
  );
}
