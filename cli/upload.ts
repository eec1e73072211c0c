import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import { AssayError } from '@assay/lib/errors';
import { clientStreamCall } from '@assay/lib/rpc';
import type { Clients } from './clients.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Sends a task folder, file by file, and gives the bundle's name. What begins with a dot stays out. */
export async function uploadFolder(clients: Clients, folder: string): Promise<string> {
  const files = await filesOf(folder);
  if (files.length === 0)
    throw new AssayError(
      'BUNDLE_INVALID',
      `${folder} has no files; name the folder that holds your task YAML`,
    );
  const upload = clientStreamCall(clients.catalog, 'uploadBundle', { deadlineMs: 600_000 });
  const ended = upload.answer.then(
    () => 'ended' as const,
    () => 'ended' as const,
  );
  for (const name of files) {
    const handle = await open(path.join(folder, name), 'r');
    try {
      let first = true;
      for (;;) {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES);
        if (bytesRead === 0 && !first) break;
        const sent = upload.stream.write({ path: first ? name : '', chunk: buffer.subarray(0, bytesRead) });
        // A server that has refused reads no further: its answer says why.
        if (
          !sent &&
          (await Promise.race([once(upload.stream, 'drain').then(() => 'drained' as const), ended])) ===
            'ended'
        )
          return (await upload.answer).bundle;
        first = false;
        if (bytesRead < CHUNK_BYTES) break;
      }
    } finally {
      await handle.close();
    }
  }
  upload.stream.end();
  return (await upload.answer).bundle;
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new AssayError('BUNDLE_INVALID', `--tasks-dir ${folder} cannot be read`, { cause: error });
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .filter((name) => !name.split('/').some((part) => part.startsWith('.')))
    .sort();
}
