import type { Logits, Sequence, Vocabulary } from '../port.ts';

/** A model of 128 tokens, one for each ASCII character; 0 ends a generation. */
export const asciiVocabulary: Vocabulary = {
  size: 128,
  bos: null,
  eos: '\0',
  prependsBos: false,
  tokenize: (text) => [...text].map((character) => character.charCodeAt(0) % 128),
  detokenize: (tokens, special) => String.fromCharCode(...tokens.filter((token) => special || token !== 0)),
  isEnd: (token) => token === 0,
};

export interface FakeSequence extends Sequence {
  /** Tokens read, in order, over all calls. */
  readonly reads: number[];
  readonly held: readonly number[];
}

/**
 * Predicts the token after the last one most of all (b after a), with logits that depend on everything before. `drift`
 * makes them depend on how many tokens are read together too, as some machines' arithmetic does.
 */
export function fakeSequence(drift = 0): FakeSequence {
  let held: number[] = [];
  const reads: number[] = [];
  const read = (tokens: readonly number[]): void => {
    held.push(...tokens);
    reads.push(...tokens);
  };
  const logitsAfter = (length: number, together: number): Logits => {
    const before = held.slice(0, length);
    const hash = before.reduce((sum, token, index) => (sum * 31 + token * (index + 1)) % 9973, 7);
    const next = ((before.at(-1) ?? 0) + 1) % 128;
    return new Map(
      Array.from({ length: 128 }, (_, token) => [
        token,
        Math.sin(hash + token) + (token === next ? 5 : 0) + drift * together,
      ]),
    );
  };
  return {
    reads,
    get held() {
      return held;
    },
    async rewind(length) {
      held = held.slice(0, length);
    },
    async read(tokens) {
      read(tokens);
    },
    async draw(tokens, sampling) {
      read(tokens);
      const next = ((held.at(-1) ?? 0) + 1) % 128;
      return sampling.temperature === 0 ? next : sampling.seed % 128;
    },
    async logits(tokens, from) {
      const start = held.length;
      read(tokens);
      return tokens.slice(from).map((_, index) => logitsAfter(start + from + index + 1, tokens.length));
    },
  };
}
