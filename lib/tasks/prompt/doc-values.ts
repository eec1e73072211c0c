import type { DocFields, Field } from '../config/task-config.ts';
import { AssayError } from '../../errors.ts';
import {
  PyError,
  Tuple,
  type PyDict,
  type PyValue,
  isDigitText,
  isInt,
  literalEval,
  typeName,
} from '../pylang/index.ts';

/** A document could not be turned into a prompt: about its data, said without the document's place. */
export function docError(field: Field, message: string): AssayError {
  const { file, line, column } = field.place;
  return new AssayError('TASK_DATA_INVALID', `${field.key} (${file}:${line}:${column}): ${message}`);
}

/**
 * Turns documents into text, target and choices by the rules of lm-evaluation-harness 0.4.13: what equals a column
 * name is the column's raw value, everything else is rendered as a template.
 */
export class DocValues {
  readonly #columns: ReadonlySet<string>;
  /** Whether the task, not only its shots, has `doc_to_choice`: digits then are an index. */
  readonly #hasChoices: boolean;

  constructor(columns: ReadonlySet<string>, fields: DocFields) {
    this.#columns = columns;
    this.#hasChoices = fields.choice !== undefined;
  }

  text(doc: PyDict, field: Field): PyValue {
    const raw = this.#raw(doc, field);
    if (raw !== undefined) return raw;
    const text = render(doc, field);
    return this.#hasChoices && isDigitText(text) ? digits(field, text) : text;
  }

  target(doc: PyDict, field: Field): PyValue {
    const raw = this.#raw(doc, field);
    if (raw !== undefined) return raw;
    const text = render(doc, field);
    if (this.#hasChoices && isDigitText(text)) return digits(field, text);
    if (text.length < 2 || !text.startsWith('[') || !text.endsWith(']')) return text;
    return literal(text) ?? text;
  }

  choices(doc: PyDict, field: Field): readonly string[] {
    let value = this.#raw(doc, field);
    if (value === undefined) {
      const text = render(doc, field);
      value = literal(text);
      if (value === undefined) throw docError(field, `"${text}" is not a Python list`);
    }
    const items = value instanceof Tuple ? value.items : value;
    if (!Array.isArray(items)) throw docError(field, `must give a list of texts, not a ${typeName(value)}`);
    const texts = items.filter((item) => typeof item === 'string');
    if (texts.length === items.length && texts.length > 0) return texts;
    if (texts.length === items.length) throw docError(field, 'gives an empty list of choices');
    const other = items.find((item) => typeof item !== 'string') ?? null;
    throw docError(
      field,
      `gives a ${typeName(other)} among the choices; in YAML, put yes, no and numbers in quotes`,
    );
  }

  /** A field that must be text: a description, a prefix, a part of a program. */
  plain(doc: PyDict, field: Field | undefined): string {
    if (field === undefined) return '';
    const value = this.#raw(doc, field) ?? render(doc, field);
    if (typeof value !== 'string') throw docError(field, `must give a text, not a ${typeName(value)}`);
    return value;
  }

  #raw(doc: PyDict, field: Field): PyValue | undefined {
    if (field.kind === 'constant') return field.value;
    if (!this.#columns.has(field.source)) return undefined;
    const value = doc.get(field.source);
    if (value === undefined) throw docError(field, `the document has no column "${field.source}"`);
    return value;
  }
}

function render(doc: PyDict, field: Field): string {
  if (field.kind === 'constant') throw new Error(`${field.key} is no template`);
  return field.template.render(doc);
}

function digits(field: Field, text: string): PyValue {
  const value = literal(text);
  if (isInt(value)) return value;
  throw docError(field, `"${text}" reads as a number that Python does not accept`);
}

function literal(text: string): PyValue | undefined {
  try {
    return literalEval(text);
  } catch (error) {
    if (error instanceof PyError && error.type !== 'Unsupported') return undefined;
    throw error;
  }
}
