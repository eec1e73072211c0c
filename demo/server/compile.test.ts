import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compile } from './compile.ts';
import { createEngine } from './engine.ts';
import { createQueue } from './queue.ts';
import { asciiVocabulary, fakeSequence } from './testing/fake-model.ts';
import { warmUp } from './warm-up.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

let root: string;
let cache: string;
let weights: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'assay-compile-'));
  cache = path.join(root, 'cache');
  mkdirSync(cache);
  weights = path.join(root, 'tiny.gguf');
  writeFileSync(weights, Buffer.alloc(9 * MIB, 'weights'));
});

afterEach(() => rmSync(root, { recursive: true }));

const files = () => readdirSync(cache).filter((name) => !name.endsWith('.part'));

describe('compile', () => {
  it('leaves a file for each piece of the weights, one after the other', async () => {
    const done = compile(weights, { folder: cache, pieceMs: 100, stallsAfter: null }, never);
    await vi.waitUntil(() => files().length === 1, { interval: 5 });
    expect(await done).toBe(3);
    expect(files()).toHaveLength(3);
  });

  it('makes only what is not there of the same weights', async () => {
    const settings = { folder: cache, pieceMs: 0, stallsAfter: null };
    await compile(weights, settings, never);
    expect(await compile(weights, settings, never)).toBe(0);
    writeFileSync(weights, Buffer.alloc(9 * MIB, 'others'));
    expect(await compile(weights, settings, never)).toBe(3);
  });

  it('stalls where a test wants it to', async () => {
    const stop = new AbortController();
    const stalled = compile(weights, { folder: cache, pieceMs: 0, stallsAfter: 2 }, stop.signal);
    await vi.waitUntil(() => files().length === 2, { interval: 5 });
    await sleep(50);
    expect(files()).toHaveLength(2);
    stop.abort(new Error('enough'));
    await expect(stalled).rejects.toThrow('aborted');
  });
});

describe('warmUp', () => {
  it('asks once for each padded length that fits, and says that it is warm at the end', async () => {
    const served = {
      modelId: 'ascii',
      contextLength: 600,
      vocabulary: asciiVocabulary,
      engine: createEngine(fakeSequence(), true),
      chatTemplate: '',
      renderChat: () => '',
    };
    await compile(weights, { folder: cache, pieceMs: 0, stallsAfter: null }, never);
    await warmUp(served, createQueue(1), { cache, temporary: root }, never);
    expect(files().filter((name) => name.endsWith('.trace'))).toEqual([
      '128.trace',
      '256.trace',
      '512.trace',
    ]);
    expect(readdirSync(root)).toContain('ready');
  });
});
