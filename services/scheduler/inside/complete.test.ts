import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMPLETE, isComplete, removeComplete, writeComplete } from './complete.ts';

const asked = { repo: 'o/r', revision: 'main', asked: ['a', 'b'] };
const files = ['a', 'b'].map((name) => ({ name, bytes: 3, sha256: 'f'.repeat(64) }));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-complete-'));
  for (const { name } of files) await writeFile(path.join(folder, name), 'abc');
});
afterEach(() => rm(folder, { recursive: true }));

describe('isComplete', () => {
  it('is so for what was fetched, and for a part of it', async () => {
    expect(await isComplete(folder, asked)).toBe(false);
    await writeComplete(folder, '1', { ...asked, files });
    expect(await isComplete(folder, asked)).toBe(true);
    expect(await isComplete(folder, { ...asked, asked: ['b'] })).toBe(true);
    await removeComplete(folder);
    expect(await isComplete(folder, asked)).toBe(false);
  });

  it('is not so for another repository, revision or file, or for all', async () => {
    await writeComplete(folder, '1', { ...asked, files });
    const others = [{ repo: 'o/s' }, { revision: 'v2' }, { asked: ['a', 'c'] }, { asked: [] }];
    for (const other of others) expect(await isComplete(folder, { ...asked, ...other })).toBe(false);
    await writeComplete(folder, '1', { ...asked, asked: [], files });
    expect(await isComplete(folder, { ...asked, asked: [] })).toBe(true);
  });

  it('is not so when a file is missing or has another size', async () => {
    await writeComplete(folder, '1', { ...asked, files });
    await writeFile(path.join(folder, 'a'), 'ab');
    expect(await isComplete(folder, asked)).toBe(false);
    await rm(path.join(folder, 'a'));
    expect(await isComplete(folder, asked)).toBe(false);
  });

  it.each(['', '{', 'null', '7', '{"repo":"o/r","revision":"main","files":1}'])(
    'is not so when the file says %j',
    async (text) => {
      await writeFile(path.join(folder, COMPLETE), text);
      expect(await isComplete(folder, asked)).toBe(false);
    },
  );
});
