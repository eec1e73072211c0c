import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportFolder } from './report-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-folder-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

describe('a report draft', () => {
  it('is not to be seen before its commit, and whole after it', async () => {
    const reports = await reportFolder(folder);
    const draft = await reports.begin('job');
    await draft.append('a.txt', 'one\n');
    await draft.append('a.txt', 'two\n');
    expect(await readdir(folder)).not.toContain('job');
    expect(await draft.commit()).toEqual([{ name: 'a.txt', path: join(folder, 'job', 'a.txt'), bytes: 8 }]);
    await draft.discard();
    expect(await readFile(join(folder, 'job', 'a.txt'), 'utf8')).toBe('one\ntwo\n');
    expect(await readdir(folder)).toEqual(['job']);
  });

  it('replaces a former report, with all its files', async () => {
    const reports = await reportFolder(folder);
    for (const name of ['old.txt', 'new.txt']) {
      const draft = await reports.begin('job');
      await draft.append(name, name);
      await draft.commit();
    }
    expect(await readdir(join(folder, 'job'))).toEqual(['new.txt']);
    expect(await readdir(folder)).toEqual(['job']);
  });

  it('joins its parts in order and removes them', async () => {
    const reports = await reportFolder(folder);
    const draft = await reports.begin('job');
    await draft.append('all', '');
    await draft.append('all.1', 'second');
    await draft.append('all.0', 'first ');
    await draft.join('all', ['all.0', 'all.1', 'never written']);
    await draft.commit();
    expect(await readdir(join(folder, 'job'))).toEqual(['all']);
    expect(await readFile(join(folder, 'job', 'all'), 'utf8')).toBe('first second');
  });

  it('is gone when it is discarded, and when the process that made it is', async () => {
    const reports = await reportFolder(folder);
    const draft = await reports.begin('job');
    await draft.append('a', 'x');
    await draft.discard();
    expect(await readdir(folder)).toEqual([]);
    await (await reports.begin('job')).append('a', 'x');
    await reportFolder(folder);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('lines of a report file', () => {
  it('end at newlines only', async () => {
    const reports = await reportFolder(folder);
    const path = join(folder, 'x');
    await writeFile(path, 'a\u2028b\r\u0085c\nd\n\ne');
    expect(await collect(reports.lines(path))).toEqual(['a\u2028b\r\u0085c', 'd', '', 'e']);
  });
  it('are NOT_FOUND when the file is gone', async () => {
    await mkdir(join(folder, 'r'));
    const reports = await reportFolder(join(folder, 'r'));
    await expect(collect(reports.lines(join(folder, 'gone')))).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });
});

describe('a spool', () => {
  it('gives back every text, however many are asked for at once', async () => {
    const reports = await reportFolder(folder);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(1000), { maxLength: 40 }),
        fc.string({ unit: 'binary' }),
        async (keys, text) => {
          const spool = await reports.spool();
          for (const key of keys) await spool.add(key, `${key} ${text.toWellFormed()}`);
          const found = await Promise.all(keys.toReversed().map((key) => spool.get(key)));
          expect(found).toEqual(keys.toReversed().map((key) => `${key} ${text.toWellFormed()}`));
          expect(await spool.get(1001)).toBeNull();
          await spool.close();
        },
      ),
      { numRuns: 15 },
    );
    expect(await readdir(folder)).toEqual([]);
  });
});
