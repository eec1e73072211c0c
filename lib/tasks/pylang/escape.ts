import { PyError } from './error.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * The text that a Python string literal's inside stands for. An escape that Python does not know keeps its
 * backslash. `at` is the offset of the inside in the whole text, for messages.
 */
export function unescapeLiteral(inside: string, at = 0): string {
  if (!inside.includes('\\')) return inside;
  return inside.replace(
    /\\(?:([0-7]{1,3})|([xuU])([0-9a-fA-F]*)|N\{[^}]*\}|([^]))/g,
    (
      all: string,
      octal: string | undefined,
      kind: string | undefined,
      hex: string | undefined,
      other: string | undefined,
      offset: number,
    ) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      if (kind !== undefined) return fromHex(kind, hex ?? '', at + offset);
      if (other === 'N') throw malformedName(at + offset);
      if (other !== undefined) return SIMPLE[other] ?? all;
      throw new PyError('Unsupported', `${all} (a character by its name) at offset ${at + offset}`, {
        position: at + offset,
      });
    },
  );
}

function malformedName(at: number): PyError {
  return new PyError('SyntaxError', `malformed \\N character escape at offset ${at}`, { position: at });
}

function fromHex(kind: string, hex: string, at: number): string {
  const length = HEX_LENGTH[kind] ?? 0;
  const code = Number.parseInt(hex.slice(0, length), 16);
  if (hex.length < length || code > 0x10ffff) {
    const fault = hex.length < length ? `truncated \\${kind} escape` : 'illegal Unicode character';
    throw new PyError('SyntaxError', `${fault} at offset ${at}`, { position: at });
  }
  return String.fromCodePoint(code) + hex.slice(length);
}
