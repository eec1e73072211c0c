import type { Vocabulary } from './port.ts';

/** A token as text. */
export interface Piece {
  /** Tokens that hold only a part of a character read as U+FFFD. */
  readonly text: string;
  /** Where it begins, in code points of the whole text; tokens that share a character share its place. */
  readonly offset: number;
}

// A character is at most four bytes, so at most four tokens, and one before it.
const CHARACTER_TOKENS = 5;

/** The tokens' own texts and where in the text they begin. */
export function piecesOf(vocabulary: Vocabulary, tokens: readonly number[]): Piece[] {
  const pieces: Piece[] = [];
  let offset = 0;
  let open: number[] = [];
  for (const token of tokens) {
    open.push(token);
    const text = vocabulary.detokenize(open, true);
    pieces.push({ text: open.length === 1 ? text : vocabulary.detokenize([token], true), offset });
    if (text.endsWith('\uFFFD') && open.length < CHARACTER_TOKENS) continue;
    offset += [...text].length;
    open = [];
  }
  return pieces;
}

/** Where `text` is to be cut: the earliest place at which one of the stop sequences begins. */
export function stopAt(text: string, stops: readonly string[]): number | null {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place !== -1);
  return places.length === 0 ? null : Math.min(...places);
}
