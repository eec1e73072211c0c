import { AssayError, type Reason } from '../../errors.ts';
import type { Float, PyKey, PyValue } from '../pylang/index.ts';

/** Where something stands; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly place: Place;
  /** Where the text itself begins and ends: after the quote, or below the indicator of a block scalar. */
  readonly text: { readonly line: number; readonly column: number; readonly lastLine: number };
  readonly value: null | boolean | number | bigint | Float | string;
}

export interface YamlList {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly YamlNode[];
}

export interface YamlMap {
  readonly kind: 'map';
  readonly place: Place;
  /** Keys that are no text are written as Python's `str()` does. */
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export interface YamlEntry {
  readonly key: Place;
  readonly node: YamlNode;
}

/** A value under the tag `!function`: a Python function. */
export interface YamlHook {
  readonly kind: 'hook';
  readonly place: Place;
  readonly name: string;
}

export type YamlNode = YamlScalar | YamlList | YamlMap | YamlHook;

export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/**
 * Where a place within a text stands in its file. Exact in block scalars and on the first line of the others; escapes
 * such as \\n and folded lines make it the beginning of the text.
 */
export function placeWithin({ place, text }: YamlScalar, line: number, column: number): Place {
  if (line > text.lastLine) return { file: place.file, line: text.line, column: text.column };
  const block = text.line > place.line;
  const offset = block || line === text.line ? text.column - 1 : 0;
  return { file: place.file, line, column: column + offset };
}

/** An error about one place of a file. */
export function refuse(reason: Reason, place: Place, message: string): AssayError {
  const field = placeText(place);
  return new AssayError(reason, `${field}: ${message}`, { violations: [{ field, message }] });
}

/** The value as Python would hold it; a hook is its name. */
export function toPython(node: YamlNode): PyValue {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'hook':
      return node.name;
    case 'list':
      return node.items.map(toPython);
    case 'map':
      return new Map<PyKey, PyValue>(
        Array.from(node.entries, ([key, { node: value }]) => [key, toPython(value)]),
      );
  }
}

/** Every hook in a value, however deep. */
export function* hooksOf(node: YamlNode): Generator<YamlHook> {
  if (node.kind === 'hook') yield node;
  else if (node.kind === 'list') for (const item of node.items) yield* hooksOf(item);
  else if (node.kind === 'map') for (const { node: value } of node.entries.values()) yield* hooksOf(value);
}

export function isNull(node: YamlNode | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}
