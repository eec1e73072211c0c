import { AssayError } from '../../errors.ts';
import { PyError, type PyDict, type PyValue, isDict, parseJson } from '../pylang/index.ts';

/** One data file is read whole; documents are parsed one at a time. */
export const MAX_DATA_BYTES = 512 * 1024 * 1024;

export interface RawDoc {
  readonly line: number;
  readonly doc: PyDict;
}

const NEWLINE = 0x0a;
const BRACKET = 0x5b;
const BOM = [0xef, 0xbb, 0xbf];
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The documents of a data file: one JSON object a line, or one JSON array of objects (of texts: column `text`). Empty
 * lines are passed over. Throws TASK_DATA_INVALID with file and line.
 */
export function* readDocs(bytes: Uint8Array, file: string): Generator<RawDoc> {
  if (bytes.length > MAX_DATA_BYTES)
    throw dataError(file, 1, `the file is larger than ${MAX_DATA_BYTES} bytes`);
  const start = BOM.every((byte, at) => bytes[at] === byte) ? BOM.length : 0;
  if (bytes[start] === BRACKET) yield* readArray(bytes.subarray(start), file);
  else yield* readLines(bytes, start, file);
}

export function dataError(file: string, line: number, message: string): AssayError {
  const field = `${file}:${line}`;
  return new AssayError('TASK_DATA_INVALID', `${field}: ${message}`, { violations: [{ field, message }] });
}

function* readLines(bytes: Uint8Array, start: number, file: string): Generator<RawDoc> {
  let line = 0;
  for (let from = start; from < bytes.length;) {
    line += 1;
    const end = bytes.indexOf(NEWLINE, from);
    const to = end === -1 ? bytes.length : end;
    const text = decode(bytes.subarray(from, to), file, line);
    from = to + 1;
    if (text.trim() === '') continue;
    const value = parse(text, file, line, 'not JSON (one document a line)');
    if (!isDict(value)) throw dataError(file, line, 'a document must be a JSON object');
    yield { line, doc: value };
  }
}

// The line of an item of an array is its position in the array: a parsed value no longer knows where it stood.
function* readArray(bytes: Uint8Array, file: string): Generator<RawDoc> {
  const text = decode(bytes, file, 1);
  const items = parse(text, file, 1, 'not a JSON array');
  if (!Array.isArray(items)) throw dataError(file, 1, 'not a JSON array');
  for (const [at, item] of items.entries()) {
    const doc: PyValue = typeof item === 'string' ? new Map([['text', item]]) : item;
    if (!isDict(doc)) throw dataError(file, at + 1, `item ${at + 1} of the array must be a JSON object`);
    yield { line: at + 1, doc };
  }
}

function decode(bytes: Uint8Array, file: string, line: number): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw dataError(file, line, 'not valid UTF-8');
  }
}

function parse(text: string, file: string, line: number, what: string): PyValue {
  let value: PyValue;
  try {
    value = parseJson(text);
  } catch (error) {
    if (error instanceof PyError) throw dataError(file, line, `${what}: ${error.message}`);
    throw error;
  }
  if (/\\u[dD][89a-fA-F]/.test(text) && !wellFormed(value)) {
    throw dataError(file, line, 'half of a surrogate pair stands alone, which no text may hold');
  }
  return value;
}

function wellFormed(value: PyValue): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (Array.isArray(value)) return value.every(wellFormed);
  if (!(value instanceof Map)) return true;
  return [...value].every(([key, item]) => wellFormed(key) && wellFormed(item));
}
