import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssayError, passing } from '@assay/lib/errors';
import { createLog } from '@assay/lib/log';
import { lastWords, settingsOrLastWords } from './last-words.ts';
import { readConfig } from './weights-config.ts';

const log = createLog({ service: 'test', level: 'silent' });

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-words-'));
  file = path.join(folder, 'log');
});
afterEach(() => rm(folder, { recursive: true }));
const said = async () => readFile(file, 'utf8');

describe('lastWords', () => {
  it('are one line of reason and message, and the exit code says whether trying again helps', async () => {
    expect(lastWords(new AssayError('WEIGHTS_NOT_FOUND', 'no\nfile'), file, log)).toBe(2);
    expect(await said()).toBe('{"reason":"WEIGHTS_NOT_FOUND","message":"no\\nfile"}\n');
    expect(lastWords(passing('WEIGHTS_HUB_UNREACHABLE', 'later'), file, log)).toBe(1);
    expect(lastWords(new Error('surprise'), file, log)).toBe(1);
    expect(await said()).toBe('{"reason":"INTERNAL","message":"surprise"}\n');
  });

  it('fit what a kubelet keeps', async () => {
    lastWords(new AssayError('INTERNAL', '\u0001'.repeat(100_000)), file, log);
    expect(Buffer.byteLength(await said())).toBeLessThan(4096);
  });

  it('are no fault where they can not be written', () => {
    expect(lastWords(new AssayError('INTERNAL', 'x'), path.join(folder, 'none/log'), log)).toBe(2);
  });
});

describe('settingsOrLastWords', () => {
  it('name every wrong setting at once, without the token', async () => {
    const env = {
      ASSAY_TERMINATION_LOG: file,
      ASSAY_WEIGHTS_HUB: 'hub',
      ASSAY_WEIGHTS_REPO: '../r',
      ASSAY_WEIGHTS_REVISION: '',
      ASSAY_WEIGHTS_FILES: 'a,../b',
      ASSAY_WEIGHTS_FOLDR: '/w',
      HUB_TOKEN: 'hf_a b',
    };
    const exit = (code: number): never => {
      throw new Error(`exit ${code}`);
    };
    expect(() => settingsOrLastWords(env, readConfig, log, exit)).toThrow('exit 2');
    const words = await said();
    for (const name of ['HUB', 'REPO', 'REVISION is missing', 'FILES', 'FOLDER is missing', 'FOLDR is not a'])
      expect(words).toContain(`ASSAY_WEIGHTS_${name}`);
    expect(words).toContain('HUB_TOKEN must be');
    expect(words).not.toContain('hf_a');
  });
});

describe('the settings of the weights program', () => {
  it('takes an empty setting for none, and a token with a line feed for one without', () => {
    const given = {
      ASSAY_WEIGHTS_HUB: 'https://hub',
      ASSAY_WEIGHTS_REPO: 'o/r',
      ASSAY_WEIGHTS_REVISION: 'refs/pr/1',
      ASSAY_WEIGHTS_FILES: '',
      ASSAY_WEIGHTS_FOLDER: '/w',
      HUB_TOKEN: 'hf_ab\n',
    };
    expect(readConfig(given)).toMatchObject({ WEIGHTS_FILES: [], WEIGHTS_BYTES: 0, token: 'hf_ab' });
    expect(readConfig({ ...given, HUB_TOKEN: '' }).token).toBeNull();
  });
});
