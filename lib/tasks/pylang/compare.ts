import { PyError } from './error.ts';
import { Float } from './float.ts';
import { compareText } from './text.ts';
import { PySet, type PyKey, type PyValue, Tuple, findKey, typeName } from './value.ts';

/** Python's `==`: deep; 1 == 1.0 == True; a list never equals a tuple. */
export function pyEquals(a: PyValue, b: PyValue): boolean {
  if (a === b) return true;
  const left = numeric(a);
  if (left !== undefined) {
    const right = numeric(b);
    // Comparing bigint with number is exact in JavaScript, as int with float is in Python.
    return right !== undefined && left == right;
  }
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items);
  if (a instanceof Map) return b instanceof Map && equalDicts(a, b);
  if (a instanceof PySet && b instanceof PySet) return equalSets(a.items, b.items);
  return false;
}

/**
 * Order of two values as Python's `<` sees it: negative, zero, positive; NaN when neither (a float nan).
 * Throws PyError(TypeError) for what Python does not order.
 */
export function pyCompare(a: PyValue, b: PyValue, operator = '<'): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) {
    if (left < right) return -1;
    return left > right ? 1 : left == right ? 0 : Number.NaN;
  }
  if (Array.isArray(a) && Array.isArray(b)) return compareItems(a, b, operator);
  if (a instanceof Tuple && b instanceof Tuple) return compareItems(a.items, b.items, operator);
  throw new PyError(
    'TypeError',
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** Python's `bool(value)`. */
export function pyTruthy(value: PyValue): boolean {
  if (value === null || typeof value !== 'object') return Boolean(value);
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : value.items.length > 0;
}

/** The number that a value counts as in comparisons and arithmetic (`True` is 1); undefined when it is none. */
export function numeric(value: PyValue): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof Float ? value.value : undefined;
}

// Python tries identity before equality inside containers, so a nan equals itself there.
function equalItems(a: readonly PyValue[], b: readonly PyValue[]): boolean {
  return a.length === b.length && a.every((item, at) => pyEquals(item, b[at] ?? null));
}

function equalDicts(a: ReadonlyMap<PyKey, PyValue>, b: ReadonlyMap<PyKey, PyValue>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const found = findKey(b, key);
    if (found === undefined || !pyEquals(value, b.get(found) ?? null)) return false;
  }
  return true;
}

function equalSets(a: readonly PyValue[], b: readonly PyValue[]): boolean {
  return a.length === b.length && a.every((item) => b.some((other) => pyEquals(item, other)));
}

function compareItems(a: readonly PyValue[], b: readonly PyValue[], operator: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a[at] ?? null;
    const right = b[at] ?? null;
    if (!pyEquals(left, right)) return pyCompare(left, right, operator);
  }
  return a.length - b.length;
}
