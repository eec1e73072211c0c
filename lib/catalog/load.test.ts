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

describe('an overlay', () => {
  const pod = 'pod: { claim: extended_resource, claims: { extended_resource: { resource: a.com/b } } }\n';
  let overlay = '';
  beforeEach(async () => {
    overlay = await mkdtemp(path.join(tmpdir(), 'assay-overlay-'));
    await mkdir(path.join(overlay, 'devices'));
    await writeFile(path.join(folder, 'devices/b.yaml'), `name: b\ndescription: d\n${pod}`);
  });
  afterEach(() => rm(overlay, { recursive: true, force: true }));

  it('changes what it names of a shipped file, takes away what it nulls, and adds files', async () => {
    await writeFile(
      path.join(overlay, 'devices/b.yaml'),
      'pod: { claim: dra, claims: { extended_resource: null, dra: { device_class: a.com } }, requests: { cpu: 500m } }\n',
    );
    await writeFile(path.join(overlay, 'devices/c.yaml'), 'name: c\ndescription: new\n');
    const catalog = await loadCatalog(folder, overlay);
    expect(catalog.device('b')).toMatchObject({
      description: 'd',
      pod: { claim: 'dra', claims: { dra: { device_class: 'a.com', count: 1 } }, requests: { cpu: '500m' } },
    });
    expect(catalog.device('b')?.pod?.claims.extended_resource).toBeUndefined();
    expect(catalog.device('c')?.pod).toBeUndefined();
  });

  it('is checked as a shipped file is', async () => {
    await writeFile(path.join(overlay, 'devices/b.yaml'), 'pod: { claim: dra, host_ipc: 3, colour: red }\n');
    const error = await loadCatalog(folder, overlay).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('devices/b.yaml: pod.host_ipc');
    expect(String(error)).toContain('devices/b.yaml: pod');
  });

  it('refuses servers of devices that the model does not name, and a way to a device that is not there', async () => {
    await writeFile(
      path.join(folder, 'models/m.yaml'),
      model('servers: { b: { image: i, args: ["{nope}"] } }\n'),
    );
    await writeFile(path.join(overlay, 'devices/b.yaml'), 'pod: { claim: node_selector }\n');
    const error = await loadCatalog(folder, overlay).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('there is no placeholder {nope}');
    expect(String(error)).toContain('has no node_selector, which claim asks for; there is extended_resource');
    await writeFile(path.join(folder, 'models/m.yaml'), model('servers: { b: { image: i } }\n'));
    await writeFile(path.join(overlay, 'devices/b.yaml'), '{}\n');
    await expect(loadCatalog(folder, overlay)).rejects.toThrow('servers.b is not among its devices');
  });
});

describe('the catalog that ships', () => {
  it('can be used', async () => {
    const catalog = await loadCatalog(path.join(import.meta.dirname, '../../catalog'));
    expect(catalog.models.map((entry) => entry.name)).toContain('smollm2-135m-instruct');
  });
});
