import { AssayError } from '../errors.ts';

/**
 * A value as JSON in UTF-8. Lone surrogates come out as escapes, so any string survives.
 * Throws INTERNAL (permanent) for what JSON cannot say.
 */
export function encodeEntry(value: unknown): Uint8Array {
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return Buffer.from(text);
  } catch (cause) {
    throw new AssayError('INTERNAL', 'the value cannot be written as JSON', { cause });
  }
  throw new AssayError('INTERNAL', 'the value cannot be written as JSON: it is undefined');
}

/** The bytes of an entry as its value: a JSON object of version 1. Null when they are anything else. */
export function decodeEntry<T extends { readonly v: 1 }>(bytes: Uint8Array): T | null {
  const value = parseJson(bytes);
  return isVersionOne<T>(value) ? value : null;
}

/** The bytes as a JSON value; undefined when they are none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as unknown;
  } catch {
    return undefined;
  }
}

// The writer is the same code base: a version names a shape, so nothing more is checked on the way in.
function isVersionOne<T extends { readonly v: 1 }>(value: unknown): value is T {
  return typeof value === 'object' && value !== null && 'v' in value && value.v === 1;
}
