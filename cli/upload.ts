import { once } from 'node:events';
import { open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { AssayError } from '@assay/lib/errors';
import { clientStreamCall } from '@assay/lib/rpc';
import type { UploadBundleRequest } from '@assay/proto/assay/v1/catalog';
import type { Clients } from './clients.ts';

const CHUNK_BYTES = 1024 * 1024;
const DEADLINE_MS = 600_000;

/** Sends a task folder, file by file, and gives the bundle's name. What begins with a dot stays out. */
export async function uploadFolder(clients: Clients, folder: string, signal: AbortSignal): Promise<string> {
  const files = await filesOf(folder);
  if (files.length === 0) throw invalid(`${folder} has no files; name the folder that holds your task YAML`);
  const { stream, answer } = clientStreamCall(clients.catalog, 'uploadBundle', {
    deadlineMs: DEADLINE_MS,
    signal,
  });
  const answered = answer.then(
    () => true,
    () => true,
  );
  for await (const part of partsOf(folder, files)) {
    if (stream.write(part)) continue;
    // A server that has refused reads no further: its answer says why.
    if (await Promise.race([once(stream, 'drain').then(() => false), answered])) break;
  }
  stream.end();
  return (await answer).bundle;
}

async function* partsOf(folder: string, files: readonly string[]): AsyncGenerator<UploadBundleRequest> {
  for (const name of files) {
    const handle = await open(path.join(folder, name), 'r');
    try {
      let given = name;
      for (;;) {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES);
        // An empty file is one empty chunk.
        if (bytesRead > 0 || given !== '') yield { path: given, chunk: buffer.subarray(0, bytesRead) };
        given = '';
        if (bytesRead < CHUNK_BYTES) break;
      }
    } finally {
      await handle.close();
    }
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw invalid(`--tasks-dir ${folder} cannot be read`, error);
  });
  const files: string[] = [];
  for (const entry of entries) {
    const name = path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/');
    if (name.split('/').some((part) => part.startsWith('.'))) continue;
    if (entry.isFile() || (entry.isSymbolicLink() && (await isLinkInside(folder, name)))) files.push(name);
  }
  return files.sort();
}

// A link is followed within the folder. One that leads out would send what nobody named.
async function isLinkInside(folder: string, name: string): Promise<boolean> {
  const at = path.join(folder, name);
  const [root, target] = await Promise.all([realpath(folder), realpath(at)]).catch((error: unknown) => {
    throw invalid(`${name} is a link that leads nowhere`, error);
  });
  if (!target.startsWith(root + path.sep))
    throw invalid(`${name} is a link out of the folder; put the file itself there`);
  return (await stat(at)).isFile();
}

function invalid(message: string, cause?: unknown): AssayError {
  return new AssayError('BUNDLE_INVALID', message, { cause });
}
