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
});
