/** The end-of-sequence token of the scripted server, as text. */
export const EOS = '<|endoftext|>';
const EOS_ID = 1;
const WIDE = 2 ** 29;

/**
 * Words, digits and marks in chunks of at most four ASCII characters; any other character by itself. No vocabulary is
 * kept: an id says its own text, so every process encodes alike, and decoding gives back what was encoded.
 */
export function encode(text: string): number[] {
  const ids: number[] = [];
  for (const [piece] of text.matchAll(PIECES)) {
    if (piece === EOS) ids.push(EOS_ID);
    else if (piece.charCodeAt(0) > 127) ids.push(WIDE + (piece.codePointAt(0) ?? 0));
    else for (let i = 0; i < piece.length; i += 4) ids.push(chunkId(piece.slice(i, i + 4)));
  }
  return ids;
}

const PIECES = /<\|endoftext\|>| ?[A-Za-z]+|\d| +(?! [A-Za-z])|[\0-\x7f]|[\ud800-\udbff][\udc00-\udfff]|[^]/g;

export function decodeToken(id: number): string {
  if (id === EOS_ID) return EOS;
  if (id >= WIDE) return String.fromCodePoint(Math.min(id - WIDE, 0x10ffff));
  let text = '';
  for (let rest = id; rest >= 128; rest = Math.floor(rest / 128)) {
    text = String.fromCharCode(rest % 128) + text;
  }
  return text;
}

export function decode(ids: readonly number[]): string {
  return ids.map(decodeToken).join('');
}

// Seven bits for each character under a leading one, which says how many there are.
function chunkId(chunk: string): number {
  let id = 1;
  for (let i = 0; i < chunk.length; i += 1) id = id * 128 + chunk.charCodeAt(i);
  return id;
}
