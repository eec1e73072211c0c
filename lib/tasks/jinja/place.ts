import { AssayError } from '../../errors.ts';

/** Where a template stands: its first line in a file (1-based). */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A template's text with line breaks as Jinja sees them, and the way from an offset to a file, line and column. */
export class Source {
  readonly text: string;
  readonly #where: Place;

  constructor(text: string, where: Place) {
    this.text = text.replace(/\r\n?/g, '\n');
    this.#where = where;
  }

  /** `file:line:column` of an offset, both 1-based; columns are UTF-16 units. */
  locate(at: number): string {
    const before = this.text.slice(0, at);
    const line = this.#where.line + before.split('\n').length - 1;
    return `${this.#where.file}:${line}:${at - before.lastIndexOf('\n')}`;
  }

  /** A template that Jinja refuses, or a render that fails in it as well. */
  invalid(message: string, at: number, cause?: unknown): AssayError {
    return new AssayError('TASK_INVALID', `${this.locate(at)}: ${message}`, { cause });
  }

  /** A construct that Jinja knows and this engine does not. */
  unsupported(construct: string, at: number, cause?: unknown): AssayError {
    return new AssayError('TASK_UNSUPPORTED', `${this.locate(at)}: ${construct} is not supported`, { cause });
  }
}
