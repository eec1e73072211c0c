import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { notRun } from './not-run.ts';

const run = promisify(execFile);

/** A file system of its own size in memory, that can be filled. */
export interface SmallDisk {
  /** Writes until nothing more goes on it. */
  fill(): Promise<void>;
  /** Takes away what `fill` wrote. */
  free(): Promise<void>;
  unmount(): Promise<void>;
}

/** Mounts a tmpfs at `folder`; null, said on the console and in the file of ASSAY_NOT_RUN, where that is not allowed. */
export async function smallDisk(folder: string, bytes: number): Promise<SmallDisk | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${String(bytes)},mode=0700`, 'tmpfs', folder]);
  } catch (error) {
    const why = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
    await notRun('a disk that is full', `a tmpfs cannot be mounted here (${why})`);
    return null;
  }
  const filler = path.join(folder, 'filler');
  return {
    fill: () => fill(filler),
    free: () => rm(filler, { force: true }),
    unmount: async () => {
      await run('umount', ['-l', folder]);
    },
  };
}

async function fill(file: string): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    for (let block = 1024 * 1024; block >= 512;) {
      const { bytesWritten } = await handle.write(Buffer.alloc(block)).catch(full);
      if (bytesWritten < block) block /= 2;
    }
  } finally {
    await handle.close();
  }
}

function full(error: unknown): { readonly bytesWritten: number } {
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return { bytesWritten: 0 };
  throw error;
}
