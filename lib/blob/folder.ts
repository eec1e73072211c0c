import { randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobRef } from '@assay/lib/domain';
import { AssayError, passing } from '../errors.ts';
import type { Blob } from './blob.ts';
import { blobRefOf, digitsOf, missing, proven } from './ref.ts';

/**
 * Blobs as files `<dir>/ab/cdef…`. Several processes may share the folder. What a killed process left half written is
 * swept when the folder is opened and every hour of use.
 */
export function folderBlob(dir: string): Blob {
  const pathOf = (ref: BlobRef) => {
    const digits = digitsOf(ref);
    return join(dir, digits.slice(0, 2), digits.slice(2));
  };
  let sweptAt = -Infinity;
  const sweepSometimes = async () => {
    if (performance.now() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = performance.now();
    await sweep(dir);
  };
  return {
    put: async (bytes) => {
      const ref = blobRefOf(bytes);
      try {
        await sweepSometimes();
        await write(pathOf(ref), bytes);
      } catch (error) {
        throw writeError(ref, error);
      }
      return ref;
    },
    get: async (ref) => proven(ref, await read(pathOf(ref), ref)),
    has: async (ref) => (await statOf(pathOf(ref))) !== null,
    delete: async (ref) => rm(pathOf(ref), { force: true }),
    list: (olderThanMs = 0) => list(dir, olderThanMs),
    close: async () => undefined,
  };
}

const SWEEP_EVERY_MS = 3_600_000;
const STALE_MS = 3_600_000;
const TEMPORARY = '.tmp';

async function write(path: string, bytes: Uint8Array): Promise<void> {
  if ((await statOf(path))?.size === bytes.byteLength) {
    await touch(path);
    return;
  }
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `${randomBytes(9).toString('hex')}${TEMPORARY}`);
  try {
    await writeSynced(temporary, bytes);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

// A blob that is written again is young again, so that a sweep by age spares it.
async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const file = await open(folder, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function read(path: string, ref: BlobRef): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw missing(ref, error);
    throw passing('INTERNAL', `blob ${ref} cannot be read`, error);
  }
}

async function statOf(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw passing('INTERNAL', 'the blob store cannot be read', error);
  }
}

async function* list(dir: string, olderThanMs: number): AsyncIterable<BlobRef> {
  for await (const { folder, name } of files(dir)) {
    const ref: BlobRef = `sha256:${folder}${name}`;
    if (name.length !== 62 || name.endsWith(TEMPORARY)) continue;
    const found = await statOf(join(dir, folder, name));
    if (found !== null && Date.now() - found.mtimeMs >= olderThanMs) yield ref;
  }
}

async function sweep(dir: string): Promise<void> {
  for await (const { folder, name } of files(dir)) {
    if (!name.endsWith(TEMPORARY)) continue;
    const path = join(dir, folder, name);
    const found = await statOf(path);
    if (found !== null && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}

async function* files(dir: string): AsyncIterable<{ readonly folder: string; readonly name: string }> {
  for (const folder of await entries(dir)) {
    if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue;
    for (const file of await entries(join(dir, folder.name))) {
      if (file.isFile()) yield { folder: folder.name, name: file.name };
    }
  }
}

async function entries(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw passing('INTERNAL', 'the blob store cannot be listed', error);
  }
}

function writeError(ref: BlobRef, error: unknown): AssayError {
  if (error instanceof AssayError) return error;
  if (FULL.has(codeOf(error) ?? '')) {
    return passing('BLOB_STORE_FULL', `there is no room for blob ${ref}`, error);
  }
  return passing('INTERNAL', `blob ${ref} cannot be written`, error);
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
