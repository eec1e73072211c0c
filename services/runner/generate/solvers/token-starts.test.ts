import { describe, expect, it } from 'vitest';
import { tokenStarts } from './token-starts.ts';

describe('where tokens begin in a prompt', () => {
  it('skips one that the server put in front', () => {
    expect(tokenStarts(['<s>', 'a', ' b', ' x'], 'a b')).toEqual([-1, 0, 1, 3]);
    expect(tokenStarts(['a', ' b', ' x'], 'a b')).toEqual([0, 1, 3]);
  });

  it('is not known when they do not make up the prompt', () => {
    expect(tokenStarts(['a', 'b'], 'a b')).toBeNull();
  });

  it('is found again behind characters that are shown as parts', () => {
    const parts = ['a', ' \ufffd', '\ufffd', '\ufffd', ' b', ' x'];
    expect(tokenStarts(parts, 'a 🦆 b')).toEqual([0, 1, 2.5, 2.5, 4, 6]);
    expect(tokenStarts(['<s>', ...parts], 'a 🦆 b')).toEqual([-1, 0, 1, 2.5, 2.5, 4, 6]);
    expect(tokenStarts(['\ufffd', '\ufffd', '\ufffd', '\ufffd', '你', ' x'], '你你你')).toEqual([
      0, 0.5, 0.5, 0.5, 2, 3,
    ]);
    expect(tokenStarts(['\ufffd', ' b', ' x'], '\ufffd b')).toEqual([0, 1, 3]);
  });

  it('is not known where parts cannot be what the prompt holds', () => {
    expect(tokenStarts(['a', '\ufffd', ' b', ' x'], 'ac b')).toBeNull();
    expect(tokenStarts(['a', '\ufffd', '\ufffd', ' b', ' x'], 'a🦆 c')).toBeNull();
    expect(tokenStarts(['a', '\ufffd', '\ufffd'], 'a🦆')).toBeNull();
  });
});
