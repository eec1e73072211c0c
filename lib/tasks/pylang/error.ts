import { AssayError, type Reason } from '../../errors.ts';

/** What Python would have raised; `Unsupported`: Python can, this project does not. */
export type PyErrorType =
  | 'ValueError'
  | 'TypeError'
  | 'IndexError'
  | 'KeyError'
  | 'SyntaxError'
  | 'OverflowError'
  | 'ZeroDivisionError'
  /** A template read a variable, attribute or item that is not there (Jinja's StrictUndefined). */
  | 'UndefinedError'
  | 'Unsupported';

/**
 * A fault of Python semantics. To a caller it is an `AssayError`: TASK_UNSUPPORTED for `Unsupported`, else
 * TASK_INVALID unless the thrower knows better (`parseJson`: TASK_DATA_INVALID).
 */
export class PyError extends AssayError {
  readonly type: PyErrorType;
  /** Offset in UTF-16 units in the text that was read, when it is about a text. */
  readonly position: number | undefined;

  constructor(type: PyErrorType, message: string, options: { position?: number; reason?: Reason } = {}) {
    super(options.reason ?? (type === 'Unsupported' ? 'TASK_UNSUPPORTED' : 'TASK_INVALID'), message);
    this.type = type;
    this.position = options.position;
  }
}
