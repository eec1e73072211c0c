import { describe, expect, it } from 'vitest';
import { piecesOf, stopAt } from './pieces.ts';
import type { Vocabulary } from './port.ts';

// One token for each byte.
const bytes: Vocabulary = {
  size: 256,
  bos: null,
  eos: null,
  prependsBos: false,
  tokenize: (text) => [...Buffer.from(text)],
  detokenize: (tokens) => Buffer.from(tokens).toString('utf8'),
  isEnd: () => false,
};

describe('piecesOf', () => {
  it('counts offsets in code points; tokens of one character share its place', () => {
    const offsets = piecesOf(bytes, bytes.tokenize('aé🦜b')).map((piece) => piece.offset);
    expect(offsets).toEqual([0, 1, 1, 2, 2, 2, 2, 3]);
  });

  it('gives up on bytes that never become a character', () => {
    expect(piecesOf(bytes, [0xff, 0xff, 0xff, 0xff, 0xff, 97]).at(-1)).toEqual({ text: 'a', offset: 5 });
  });
});

describe('stopAt', () => {
  it('finds the stop sequence that comes first', () => {
    expect(stopAt('one\ntwo. three', ['.', '\n'])).toBe(3);
    expect(stopAt('one', ['.', '\n'])).toBeNull();
    expect(stopAt('one', [])).toBeNull();
  });
});
