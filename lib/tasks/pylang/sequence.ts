import { pyEquals } from './compare.ts';
import { findItem } from './dict.ts';
import { PyError } from './error.ts';
import { codePoints } from './text.ts';
import { PySet, type PyValue, Tuple, isInt, typeName } from './value.ts';

/** Python's `len(value)`; undefined for what has none. */
export function pyLength(value: PyValue): number | undefined {
  if (typeof value === 'string') return codePoints(value)?.length ?? value.length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple || value instanceof PySet) return value.items.length;
  return value instanceof Map ? value.size : undefined;
}

/** What `iter(value)` yields: characters, items, keys; undefined for what cannot be iterated. */
export function pyItems(value: PyValue): PyValue[] | undefined {
  if (typeof value === 'string') return Array.from(value);
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple || value instanceof PySet) return value.items;
  return value instanceof Map ? [...value.keys()] : undefined;
}

/** Python's `item in container`; PyError(TypeError) when it is no container. */
export function pyContains(container: PyValue, item: PyValue): boolean {
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    throw new PyError('TypeError', `'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (container instanceof Map) return findItem(container, item) !== undefined;
  const items = pyItems(container);
  if (items === undefined) {
    throw new PyError('TypeError', `argument of type '${typeName(container)}' is not iterable`);
  }
  return items.some((other) => pyEquals(other, item));
}

/** `value[index]` of a text, list or tuple, negative indexes from the end; undefined when out of range or of another type. */
export function pyIndex(value: PyValue, index: PyValue): PyValue | undefined {
  if (!isInt(index) && typeof index !== 'boolean') return undefined;
  const sequence = typeof value === 'string' ? (codePoints(value) ?? value) : value;
  const items = sequence instanceof Tuple ? sequence.items : sequence;
  if (typeof items !== 'string' && !Array.isArray(items)) return undefined;
  const at = Number(index);
  return items[at < 0 ? at + items.length : at];
}

/** The bounds of a slice: ints or `None`. */
export interface Slice {
  readonly start: PyValue;
  readonly stop: PyValue;
  readonly step: PyValue;
}

/** `value[start:stop:step]`; undefined when the value cannot be sliced. */
export function pySlice(value: PyValue, slice: Slice): PyValue | undefined {
  if (typeof value === 'string') {
    const points = codePoints(value);
    if (points !== null || slice.step !== null) return take(points ?? value.split(''), slice).join('');
    const { start, stop } = bounds(slice, value.length);
    return value.slice(start, Math.max(start, stop));
  }
  if (Array.isArray(value)) return take(value, slice);
  return value instanceof Tuple ? new Tuple(take(value.items, slice)) : undefined;
}

function take<T>(items: readonly T[], slice: Slice): T[] {
  const { start, stop, step } = bounds(slice, items.length);
  if (step === 1) return items.slice(start, Math.max(start, stop));
  const taken: T[] = [];
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) taken.push(items[at] as T);
  return taken;
}

// PySlice_AdjustIndices of CPython.
function bounds(slice: Slice, length: number): { start: number; stop: number; step: number } {
  const step = bound(slice.step) ?? 1;
  if (step === 0) throw new PyError('ValueError', 'slice step cannot be zero');
  const low = step < 0 ? -1 : 0;
  const high = step < 0 ? length - 1 : length;
  const adjust = (value: number | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise;
    return Math.min(high, Math.max(low, value < 0 ? value + length : value));
  };
  const first = step < 0 ? high : low;
  const last = step < 0 ? low : high;
  return { start: adjust(bound(slice.start), first), stop: adjust(bound(slice.stop), last), step };
}

function bound(value: PyValue): number | undefined {
  if (value === null) return undefined;
  if (isInt(value) || typeof value === 'boolean') return Number(value);
  throw new PyError('TypeError', 'slice indices must be integers or None or have an __index__ method');
}
