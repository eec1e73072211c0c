import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tendBallast } from './ballast.ts';

const BYTES = 1024 * 1024;
let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-ballast-'));
  file = path.join(folder, 'ballast');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('ballast', () => {
  // The disk is as it is; what counts as full is what changes.
  const roomy = () => ({ file, bytes: BYTES, fullBytes: 0 });
  const full = () => ({ file, bytes: BYTES, fullBytes: Number.MAX_SAFE_INTEGER });

  it('is laid while there is room, once, and takes up what it says', async () => {
    const memory = { full: false };
    expect(await tendBallast(roomy(), memory)).toBe('laid');
    expect(await tendBallast(roomy(), memory)).toBe('none');
    const { size, blocks } = await stat(file);
    expect(size).toBe(BYTES);
    expect(blocks * 512).toBeGreaterThanOrEqual(BYTES);
  });

  it('is not laid where there is not room for it four times over', async () => {
    expect(await tendBallast({ ...roomy(), bytes: 2 ** 60 }, { full: false })).toBe('none');
    expect(existsSync(file)).toBe(false);
  });

  it('is released when the disk is full, and laid again when there is room', async () => {
    const memory = { full: false };
    await tendBallast(roomy(), memory);
    expect(await tendBallast(full(), memory)).toBe('released');
    expect(existsSync(file)).toBe(false);
    expect(await tendBallast(roomy(), memory)).toBe('laid');
  });

  it('says once that there is room again after the disk was full without it', async () => {
    const memory = { full: false };
    expect(await tendBallast(full(), memory)).toBe('none');
    expect(await tendBallast(full(), memory)).toBe('none');
    expect(await tendBallast(roomy(), memory)).toBe('freed');
    expect(await tendBallast(roomy(), memory)).toBe('laid');
  });
});
