import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blobRefOf, cachedBlob, folderBlob, memoryBlob, type Blob } from '@assay/lib/blob';
import type { BlobRef } from '@assay/lib/domain';
import { openNatsBlob } from '../support/nats-blob.ts';
import { startNats, type NatsServer } from '../support/nats.ts';

let dir: string;
let server: NatsServer | undefined;

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'assay-blob-')), 'blobs');
});

afterEach(async () => {
  await rm(dirname(dir), { recursive: true, force: true });
  await server?.stop();
  server = undefined;
});

const adapters: Record<string, () => Blob | Promise<Blob>> = {
  'a folder': () => folderBlob(dir),
  memory: () => memoryBlob(),
  'a cached folder': () => cachedBlob(folderBlob(dir), 1_000),
  'a NATS object store': async () => {
    server = await startNats();
    return openNatsBlob(server, { maxBytes: 64 * 1024 ** 2 });
  },
};

const bytesOf = (text: string) => new TextEncoder().encode(text);
const UNKNOWN: BlobRef = `sha256:${'ab'.repeat(32)}`;

async function listed(blob: Blob, olderThanMs?: number): Promise<string[]> {
  const refs: string[] = [];
  for await (const ref of blob.list(olderThanMs)) refs.push(ref);
  return refs.toSorted();
}

describe.each(Object.entries(adapters))('blobs in %s', (_name, open) => {
  let blob: Blob;

  beforeEach(async () => {
    blob = await open();
  });

  afterEach(() => blob.close());

  test('come back as they were, under the hash of their bytes', async () => {
    const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i % 256);
    const ref = await blob.put(bytes);
    expect(ref).toBe(blobRefOf(bytes));
    expect(await blob.put(bytesOf('abc'))).toBe(
      'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(Buffer.from(await blob.get(ref)).equals(bytes)).toBe(true);
    expect(await blob.has(ref)).toBe(true);
  });

  test('may be empty', async () => {
    const ref = await blob.put(new Uint8Array());
    expect(await blob.get(ref)).toHaveLength(0);
  });

  test('are one blob when the same bytes are written twice, side by side too', async () => {
    const refs = await Promise.all(Array.from({ length: 20 }, () => blob.put(bytesOf('same'))));
    expect(new Set(refs).size).toBe(1);
    expect(await listed(blob)).toEqual([refs[0]]);
  });

  test('are missing when nobody wrote them', async () => {
    expect(await blob.has(UNKNOWN)).toBe(false);
    await expect(blob.get(UNKNOWN)).rejects.toMatchObject({ reason: 'BLOB_MISSING', permanent: true });
    await blob.delete(UNKNOWN);
    expect(await listed(blob)).toEqual([]);
  });

  test('are gone when they were deleted, and can be written again', async () => {
    const ref = await blob.put(bytesOf('text'));
    expect(Buffer.from(await blob.get(ref)).toString()).toBe('text');
    await blob.delete(ref);
    expect(await blob.has(ref)).toBe(false);
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'BLOB_MISSING' });
    await blob.put(bytesOf('text'));
    expect(await blob.has(ref)).toBe(true);
  });

  test('are listed, old ones apart', async () => {
    const refs = await Promise.all(['a', 'b', 'c'].map((text) => blob.put(bytesOf(text))));
    expect(await listed(blob)).toEqual(refs.toSorted());
    expect(await listed(blob, 3_600_000)).toEqual([]);
  });

  test.each(['', 'sha256:../../etc/passwd', `sha256:${'A'.repeat(64)}`, `md5:${'a'.repeat(64)}`])(
    'have no name like %j',
    async (name) => {
      const ref = name as BlobRef; // what a message from outside may hold
      await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
      await expect(blob.delete(ref)).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
    },
  );
});

describe('a folder', () => {
  const pathOf = (ref: BlobRef) => join(dir, ref.slice(7, 9), ref.slice(9));

  test('is shared: what one store writes, another one reads', async () => {
    const ref = await folderBlob(dir).put(bytesOf('shared'));
    expect(Buffer.from(await folderBlob(dir).get(ref)).toString()).toBe('shared');
  });

  test('holds each blob as one plain file, for its owner alone', async () => {
    const ref = await folderBlob(dir).put(bytesOf('plain'));
    expect(await readFile(pathOf(ref), 'utf8')).toBe('plain');
    expect((await stat(pathOf(ref))).mode & 0o077).toBe(0);
    expect(await readdir(dirname(pathOf(ref)))).toHaveLength(1);
  });

  test('does not give out bytes that have changed', async () => {
    const blob = folderBlob(dir);
    const ref = await blob.put(bytesOf('right'));
    await writeFile(pathOf(ref), 'wrong');
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'INTERNAL' });
  });

  test('writes again what was cut off', async () => {
    const blob = folderBlob(dir);
    const ref = await blob.put(bytesOf('whole'));
    await writeFile(pathOf(ref), 'who');
    await blob.put(bytesOf('whole'));
    expect(Buffer.from(await blob.get(ref)).toString()).toBe('whole');
  });

  test('tells old blobs from those that were written again lately', async () => {
    const blob = folderBlob(dir);
    const [old, again] = [await blob.put(bytesOf('old')), await blob.put(bytesOf('again'))];
    const yesterday = new Date(Date.now() - 86_400_000);
    for (const ref of [old, again]) await utimes(pathOf(ref), yesterday, yesterday);
    await blob.put(bytesOf('again'));
    expect(await listed(blob, 3_600_000)).toEqual([old]);
  });

  test('sweeps what a killed writer left, and spares what is being written', async () => {
    const folder = join(dir, 'ab');
    await mkdir(folder, { recursive: true });
    const [stale, fresh] = [join(folder, 'stale.tmp'), join(folder, 'fresh.tmp')];
    for (const path of [stale, fresh]) await writeFile(path, 'half');
    const yesterday = new Date(Date.now() - 86_400_000);
    await utimes(stale, yesterday, yesterday);
    const blob = folderBlob(dir);
    const ref = await blob.put(bytesOf('x'));
    expect(await readdir(folder)).toEqual(['fresh.tmp']);
    expect(await listed(blob)).toEqual([ref]);
  });

  test('that is full says so, as a passing fault, and keeps nothing partial', async () => {
    const script = `
      const { folderBlob } = await import(${JSON.stringify(join(import.meta.dirname, '../../lib/blob/index.ts'))});
      const blob = folderBlob(${JSON.stringify(dir)});
      await blob.put(new Uint8Array(100));
      try { await blob.put(new Uint8Array(1_000_000)); } catch (error) {
        process.stdout.write(JSON.stringify({ reason: error.reason, permanent: error.permanent }));
      }`;
    // A limit of the shell stands in for the disk: the write fails half way, as on a full one.
    const limited = 'ulimit -f 64; exec "$0" --input-type=module -e "$1"';
    const child = spawn('sh', ['-c', limited, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(child, 'close');
    expect(JSON.parse(output)).toEqual({ reason: 'BLOB_STORE_FULL', permanent: false });
    const left = await readdir(dir, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toHaveLength(1);
  });
});
