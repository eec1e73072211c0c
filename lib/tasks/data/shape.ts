import { Float, PyError, type PyValue, isDict, isInt, parseJson } from '../pylang/index.ts';

/**
 * The type that the documents of a split have in one place. lm-evaluation-harness reads JSON through the `datasets`
 * library (5.2), whose columns have one type each: an int among floats becomes a float, objects with equal keys take
 * the key order of the first, and `any` is what cannot be one type and stays as it was written.
 */
export type Shape =
  | { readonly type: 'null' | 'bool' | 'int' | 'float' | 'text' | 'any' }
  | { readonly type: 'list'; readonly item: Shape }
  | { readonly type: 'struct'; readonly fields: ReadonlyMap<string, Shape> };

export const NULL: Shape = { type: 'null' };
const BOOL: Shape = { type: 'bool' };
const INT: Shape = { type: 'int' };
const FLOAT: Shape = { type: 'float' };
const TEXT: Shape = { type: 'text' };
const ANY: Shape = { type: 'any' };

/** The shape of what had `shape` so far and now also holds `value`; the same object when nothing changes. */
export function widen(shape: Shape, value: PyValue): Shape {
  if (value === null || shape.type === 'any') return shape;
  if (Array.isArray(value)) return widenList(shape, value);
  if (isDict(value)) return widenStruct(shape, value);
  const own = scalarShape(value);
  if (shape.type === own.type) return shape;
  if (shape.type === 'null') return own;
  return isNumeric(shape) && isNumeric(own) ? FLOAT : ANY;
}

/** `value` as a document of that shape holds it. */
export function conform(shape: Shape, value: PyValue): PyValue {
  switch (shape.type) {
    case 'float':
      return isInt(value) ? new Float(Number(value)) : value;
    case 'any':
      return typeof value === 'string' ? readBack(value) : value;
    case 'list':
      return Array.isArray(value) ? value.map((item) => conform(shape.item, item)) : value;
    case 'struct':
      if (!isDict(value)) return value;
      return new Map(
        Array.from(shape.fields, ([key, field]) => [key, conform(field, value.get(key) ?? null)]),
      );
    default:
      return value;
  }
}

function widenList(shape: Shape, value: readonly PyValue[]): Shape {
  if (shape.type !== 'list' && shape.type !== 'null') return ANY;
  const before = shape.type === 'list' ? shape.item : NULL;
  const item = value.reduce(widen, before);
  return shape.type === 'list' && item === before ? shape : { type: 'list', item };
}

function widenStruct(shape: Shape, value: ReadonlyMap<string, PyValue>): Shape {
  if (shape.type === 'null') {
    if (value.size === 0) return ANY;
    return { type: 'struct', fields: new Map(Array.from(value, ([key, item]) => [key, widen(NULL, item)])) };
  }
  if (shape.type !== 'struct' || shape.fields.size !== value.size) return ANY;
  let changed = false;
  const fields = new Map<string, Shape>();
  for (const [key, before] of shape.fields) {
    if (!value.has(key)) return ANY;
    const after = widen(before, value.get(key) ?? null);
    changed ||= after !== before;
    fields.set(key, after);
  }
  return changed ? { type: 'struct', fields } : shape;
}

function scalarShape(value: PyValue): Shape {
  if (typeof value === 'string') return TEXT;
  if (typeof value === 'boolean') return BOOL;
  if (value instanceof Float) return FLOAT;
  return isInt(value) && fitsInt64(value) ? INT : FLOAT;
}

function fitsInt64(value: number | bigint): boolean {
  return typeof value === 'number' || BigInt.asIntN(64, value) === value;
}

function isNumeric(shape: Shape): boolean {
  return shape.type === 'int' || shape.type === 'float';
}

// The library stores what has no one type as JSON; a text that is JSON itself comes back as what it says.
function readBack(text: string): PyValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof PyError) return text;
    throw error;
  }
}
