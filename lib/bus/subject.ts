import { createHash } from 'node:crypto';

/** The longest token that `token` gives. */
export const TOKEN_LIMIT = 64;

/**
 * A name as one token of a subject, of a stream name or of a durable name: `[A-Za-z0-9_=-]`, 1 to 64 characters. Names of
 * letters, digits, `_` and `-` stay as they are; every other UTF-16 unit becomes `=XX` or `=uXXXX`; the empty name is
 * `=`. A name that would be longer keeps its first characters, followed by `==` and 130 bits of its SHA-256.
 * Two names never share a token (for long ones as far as the hash goes).
 */
export function token(name: string): string {
  const escaped = escapeToken(name);
  if (escaped.length <= TOKEN_LIMIT) return escaped;
  const hash = base32(createHash('sha256').update(name, 'utf16le').digest(), HASH_LETTERS);
  return `${escaped.slice(0, TOKEN_LIMIT - HASH_LETTERS - 2)}==${hash}`;
}

const HASH_LETTERS = 26;

/** A KV key as the tail of a subject; its dots stay, so that keys can be listed by their first parts. */
export function encodeKey(key: string): string {
  return key.split('.').map(escapeToken).join('.');
}

/** The key of an encoded key. */
export function decodeKey(encoded: string): string {
  return encoded
    .split('.')
    .map((part) => part.replaceAll(/=(?:u([0-9A-F]{4})|([0-9A-F]{2}))?/g, unescapeUnit))
    .join('.');
}

function escapeToken(text: string): string {
  return text === '' ? '=' : text.replaceAll(/[^A-Za-z0-9_-]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  const digits = code.toString(16).toUpperCase();
  return code <= 0xff ? `=${digits.padStart(2, '0')}` : `=u${digits.padStart(4, '0')}`;
}

function unescapeUnit(_match: string, wide: string | undefined, narrow: string | undefined): string {
  const digits = wide ?? narrow;
  return digits === undefined ? '' : String.fromCharCode(Number.parseInt(digits, 16));
}

function base32(bytes: Uint8Array, letters: number): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return Array.from({ length: letters }, (_, i) =>
    alphabet.charAt(Number.parseInt(bits.slice(i * 5, i * 5 + 5), 2)),
  ).join('');
}
