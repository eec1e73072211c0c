import { describe, expect, it } from 'vitest';
import { isPlainPath } from './plain-path.ts';
import { readList, sha256Of } from './weights-list.ts';

const HASH = 'ab'.repeat(32);
const listed = {
  siblings: [
    { rfilename: 'config.json', size: 12, blobId: 'cd'.repeat(20) },
    { rfilename: 'weights/a.gguf', size: 130, lfs: { size: 4_000_000_000, sha256: HASH } },
    { rfilename: 'b.gguf', size: 5, lfs: { oid: `sha256:${HASH}` } },
  ],
};

describe('readList', () => {
  it('reads sizes and hashes where the hub says them', () => {
    expect(readList(listed, [])).toEqual([
      { name: 'config.json', bytes: 12, sha256: null },
      { name: 'weights/a.gguf', bytes: 4_000_000_000, sha256: HASH },
      { name: 'b.gguf', bytes: 5, sha256: HASH },
    ]);
    expect(readList({ siblings: [{ rfilename: 'x', size: -1, lfs: { sha256: 'short' } }] }, [])).toEqual([
      { name: 'x', bytes: null, sha256: null },
    ]);
  });

  it('takes what is wanted, and names all that is missing', () => {
    expect(readList(listed, ['b.gguf']).map(({ name }) => name)).toEqual(['b.gguf']);
    expect(() => readList(listed, ['c', 'b.gguf', 'd'])).toThrow(
      expect.objectContaining({ reason: 'WEIGHTS_NOT_FOUND', message: 'the repository has no file c, d' }),
    );
    expect(() => readList({ siblings: [] }, [])).toThrow(
      expect.objectContaining({ reason: 'WEIGHTS_NOT_FOUND' }),
    );
  });

  it('tries again when the answer is no list', () => {
    const passing = expect.objectContaining({ reason: 'WEIGHTS_HUB_UNREACHABLE', permanent: false });
    for (const other of [null, 'page', {}, { siblings: 3 }])
      expect(() => readList(other, [])).toThrow(passing);
  });

  it.each(['../x', '/etc/x', 'a/../../x', 'a//b', './x', '', 'a\\b', 'a\n', '.complete.json', 'x.part'])(
    'takes no path like %j',
    (name) => {
      expect(isPlainPath(name)).toBe(false);
      const list = () => readList({ siblings: [{ rfilename: name, size: 1 }] }, []);
      expect(list).toThrow(expect.objectContaining({ reason: 'WEIGHTS_CORRUPT', permanent: true }));
    },
  );
});

describe('sha256Of', () => {
  it('reads tags of both kinds, and takes the hash of a git object for none', () => {
    for (const tag of [HASH, `"${HASH}"`, `W/"${HASH}"`]) expect(sha256Of(tag)).toBe(HASH);
    for (const tag of ['', `"${'ab'.repeat(20)}"`, `"${HASH}-2"`]) expect(sha256Of(tag)).toBeNull();
  });
});
