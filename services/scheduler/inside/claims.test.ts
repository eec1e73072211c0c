import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '@assay/lib/clock';
import { createClaims } from './claims.ts';
import type { Part } from './part.ts';

const SILENT_MS = 10_000;
const clock = manualClock();
const [one, two] = ['1', '2'].map((digit) =>
  createClaims({ id: digit.repeat(16), silentMs: SILENT_MS, clock }),
);

let folder: string;
let file: string;
const held: Part[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-claims-'));
  file = path.join(folder, 'deep/a.gguf');
});
afterEach(async () => {
  for (const part of held.splice(0)) await part.discard();
  await rm(folder, { recursive: true });
});

async function claim(claims = one): Promise<Part | null> {
  const part = (await claims?.claim(file)) ?? null;
  if (part !== null) held.push(part);
  return part;
}

const names = () => readdir(path.dirname(file));
const bytes = (text: string) => Buffer.from(text);

describe('claims', () => {
  it('gives a file to one of them, and it appears when it is whole', async () => {
    const part = await claim();
    await part?.write(bytes('who'));
    await part?.write(bytes('le'));
    expect(await names()).toEqual([`a.gguf.${'1'.repeat(16)}.part`]);
    expect(await claim(two)).toBeNull();
    expect(await two?.begun(file)).toBe(5);
    await part?.finish();
    expect(await names()).toEqual(['a.gguf']);
    expect(await readFile(file, 'utf8')).toBe('whole');
  });

  it('goes on at once with what was left', async () => {
    const part = await claim();
    await part?.write(bytes('half'));
    part?.release();
    expect(await names()).toEqual(['a.gguf.part']);
    const next = await claim(two);
    expect(next?.bytes).toBe(4);
    const read: Uint8Array[] = [];
    for await (const chunk of next?.content() ?? []) read.push(Buffer.from(chunk));
    expect(Buffer.concat(read).toString()).toBe('half');
  });

  it('takes over from an owner that shows no life, and from no other', async () => {
    await (await claim())?.discard();
    await writeFile(`${file}.${'3'.repeat(16)}.part`, 'dead');
    expect(await claim(two)).toBeNull();
    await clock.advance(SILENT_MS - 1);
    expect(await claim(two)).toBeNull();
    await writeFile(`${file}.${'3'.repeat(16)}.part`, 'dead or not');
    await clock.advance(1);
    expect(await claim(two)).toBeNull();
    await clock.advance(SILENT_MS);
    expect((await claim(two))?.bytes).toBe('dead or not'.length);
  });

  it('of two that find it left, one gets it', async () => {
    const part = await claim();
    await part?.write(bytes('half'));
    part?.release();
    const got = await Promise.all([claim(one), claim(two)]);
    expect(got.filter((each) => each?.bytes === 4)).toHaveLength(1);
  });

  it('an owner that was given up notices before it writes under the name', async () => {
    const part = await claim();
    await part?.write(bytes('late'));
    await rename(`${file}.${'1'.repeat(16)}.part`, `${file}.${'2'.repeat(16)}.part`);
    await expect(part?.finish()).rejects.toThrow('another process has taken over');
    expect(part?.lost).toBe(true);
    expect(await names()).toEqual([`a.gguf.${'2'.repeat(16)}.part`]);
  });

  it('sweeps what nobody needs', async () => {
    await (await claim())?.finish();
    for (const name of ['a.gguf.part', `a.gguf.${'4'.repeat(16)}.part`, 'a.gguf.other', 'b.part'])
      await writeFile(path.join(path.dirname(file), name), '');
    await one?.sweep(file);
    expect((await names()).toSorted()).toEqual(['a.gguf', 'a.gguf.other', 'b.part']);
  });
});
