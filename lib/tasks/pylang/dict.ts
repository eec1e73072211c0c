import { PyError } from './error.ts';
import { Float } from './float.ts';
import { Tuple, type PyKey, type PyValue, findKey, narrow, typeName } from './value.ts';

/** Python's `dict[key] = value`: a key that equals one there keeps the old key. */
export function setItem(dict: Map<PyKey, PyValue>, key: PyValue, value: PyValue): void {
  const plain = asKey(key);
  dict.set(findKey(dict, plain) ?? plain, value);
}

/** Python's `dict.get(key)`; undefined when there is none. */
export function findItem(dict: ReadonlyMap<PyKey, PyValue>, key: PyValue): PyValue | undefined {
  if (typeof key === 'string') return dict.get(key);
  if (key instanceof Float) {
    return Number.isInteger(key.value) ? findItem(dict, narrow(BigInt(key.value))) : undefined;
  }
  if (key instanceof Tuple) return undefined;
  const found = findKey(dict, asKey(key));
  return found === undefined ? undefined : dict.get(found);
}

/** A value as a key; PyError(TypeError) for what Python cannot hash, PyError(Unsupported) for floats and tuples. */
export function asKey(key: PyValue): PyKey {
  if (key === null || typeof key !== 'object') return key;
  if (key instanceof Float || key instanceof Tuple) {
    throw new PyError('Unsupported', `a ${typeName(key)} as the key of a dict`);
  }
  throw new PyError('TypeError', `unhashable type: '${typeName(key)}'`);
}
