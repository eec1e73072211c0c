import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssayError } from '../errors.ts';
import { loadCatalog } from './load.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-catalog-'));
  for (const name of ['models', 'devices']) await mkdir(path.join(folder, name));
  await writeFile(path.join(folder, 'devices/cpu.yaml'), 'name: cpu\ndescription: d\n');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const model = (over: string) =>
  `name: m\ndescription: d\nlicense: MIT\ndevices: [cpu]\nmodel_id: m\ncontext_length: 10\nlocal: { command: [serve] }\n${over}`;

describe('loadCatalog', () => {
  it('reads models and devices', async () => {
    await writeFile(path.join(folder, 'models/m.yaml'), model(''));
    const catalog = await loadCatalog(folder);
    expect(catalog.model('m')).toMatchObject({
      devices: ['cpu'],
      local: { startTimeoutMs: 600_000, ceiling: 1 },
    });
    expect(catalog.model('n')).toBeUndefined();
  });

  it('names every problem of every file', async () => {
    await writeFile(path.join(folder, 'models/a.yaml'), model('color: red\n').replace('[cpu]', '[gpu]'));
    await writeFile(
      path.join(folder, 'models/b.yaml'),
      model('').replace('context_length: 10', 'context_length: -1').replace('[cpu]', '[gpu]'),
    );
    await writeFile(path.join(folder, 'models/c.yaml'), 'name: [\n');
    await writeFile(path.join(folder, 'models/d.yaml'), model('').replace('[cpu]', '[gpu]'));
    const error = await loadCatalog(folder).catch((thrown: unknown) => thrown);
    const fields = error instanceof AssayError ? error.violations.map((violation) => violation.field) : [];
    expect(fields).toEqual([
      'models/a.yaml: file',
      'models/b.yaml: context_length',
      'models/c.yaml',
      'models/d.yaml: devices',
    ]);
  });
});

describe('the catalog that ships', () => {
  it('can be used', async () => {
    const catalog = await loadCatalog(path.join(import.meta.dirname, '../../catalog'));
    expect(catalog.models.map((entry) => entry.name)).toContain('smollm2-135m-instruct');
  });
});
