import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from '../cluster/cluster.ts';

const run = promisify(execFile);

/** Loads an image with this Node and the libraries that it needs; resolves with its name. */
export function loadNodeImage(cluster: Cluster): Promise<string> {
  return load(cluster, 'node', []);
}

/** The same with the scripted model server and its answers under `/app`. */
export function loadScriptedServer(cluster: Cluster): Promise<string> {
  const support = path.join(import.meta.dirname, '../support');
  const files = ['model-server', 'model-server.ts', 'fault-answers.ts'];
  return load(
    cluster,
    'scripted-server',
    files.map((name) => `${path.join(support, name)}=/app/${name}`),
  );
}

async function load(cluster: Cluster, name: string, files: readonly string[]): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-image-'));
  try {
    const program = await realpath(process.execPath);
    const { stdout } = await run('ldd', [program]);
    const libraries = new Set(stdout.match(/\/\S+/g));
    const tar = path.join(folder, 'image.tar');
    await run(path.join(import.meta.dirname, '../cluster/image.sh'), [
      name,
      ...files,
      `${program}=/usr/bin/node`,
      ...(await Promise.all([...libraries].map(async (file) => `${await realpath(file)}=${file}`))),
      '--entrypoint',
      '/usr/bin/node',
      '--tar',
      tar,
    ]);
    await cluster.loadImage(tar);
    return `assay.local/${name}:1`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
