import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';

const REPO = 'org/Tiny-1B';
const container = ['--model', REPO, '--tt-device', 'n150'];
const spec = {
  hf_model_repo: REPO,
  device_type: 'N150',
  device_model_spec: { max_context: 512 },
  other: true,
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'assay-settings-'));
  writeFileSync(path.join(folder, 'tiny.Q4.gguf'), '');
});

afterEach(() => rmSync(folder, { recursive: true }));

function withSpec(content: unknown) {
  const file = path.join(folder, 'spec.json');
  writeFileSync(file, JSON.stringify(content));
  return readSettings(container, { MODEL_WEIGHTS_DIR: folder, RUNTIME_MODEL_SPEC_JSON_PATH: file });
}

describe('as a program', () => {
  it('serves a file on loopback, without a key and without a cache', () => {
    expect(readSettings(['--model', '/models/Tiny.gguf'], {})).toMatchObject({
      weights: '/models/Tiny.gguf',
      modelId: 'Tiny',
      host: '127.0.0.1',
      port: 0,
      contextLength: 2048,
      key: null,
      compile: null,
    });
  });

  it.each([
    [[], '--model is missing'],
    [['--model', 'a.gguf', '--port', 'x'], '--port takes'],
    [['--model', 'a.gguf', '--context', '1'], '--context takes'],
    [['--model', 'a.gguf', '--gpu', '1'], '--gpu'],
  ])('%j is refused: %s', (args, why) => {
    expect(() => readSettings(args, {})).toThrow(why);
  });
});

describe('as a container', () => {
  it('serves the repo on port 8000 of every address, from read-only weights, with a cache of its own', () => {
    const env = { MODEL_WEIGHTS_DIR: folder, VLLM_API_KEY: 'k', DEMO_CACHE_PIECE_MS: '5' };
    expect(readSettings(container, env)).toMatchObject({
      weights: path.join(folder, 'tiny.Q4.gguf'),
      modelId: REPO,
      host: '0.0.0.0',
      port: 8000,
      key: 'k',
      compile: {
        folder: '/home/container_app_user/cache_root/tt_metal_cache/cache_Tiny-1B/n150',
        pieceMs: 5,
        stallsAfter: null,
      },
    });
  });

  it('takes the context length of the spec, alone or as the tools write it', () => {
    expect(withSpec(spec).contextLength).toBe(512);
    expect(withSpec({ runtime_model_spec: spec, runtime_config: {} }).contextLength).toBe(512);
  });

  it('takes nobody as a key when the key is empty', () => {
    expect(readSettings(container, { MODEL_WEIGHTS_DIR: folder, VLLM_API_KEY: '' }).key).toBeNull();
  });

  it.each([
    [{ ...spec, hf_model_repo: 'org/Other' }, 'the model spec is of org/Other'],
    [{ ...spec, device_type: 'N300' }, 'the model spec is of N300'],
    [{ ...spec, device_model_spec: {} }, 'no model spec'],
    ['text', 'no model spec'],
  ])('refuses the spec %j: %s', (content, why) => {
    expect(() => withSpec(content)).toThrow(why);
  });

  it('refuses to start without weights, or with a choice of them', () => {
    expect(() => readSettings(container, {})).toThrow('MODEL_WEIGHTS_DIR is missing');
    writeFileSync(path.join(folder, 'second.gguf'), '');
    expect(() => readSettings(container, { MODEL_WEIGHTS_DIR: folder })).toThrow('has 2 GGUF files');
  });
});
