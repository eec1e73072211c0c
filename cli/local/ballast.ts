import { open, rm, stat, statfs } from 'node:fs/promises';

export interface BallastOptions {
  readonly file: string;
  readonly bytes: number;
  /** A disk with less room than this counts as full. */
  readonly fullBytes: number;
}

export type BallastAct = 'none' | 'released' | 'laid';

/**
 * A broker whose disk is full answers nothing and cannot even purge. So a file of zeros lies ready on its disk: when
 * the disk is full it is deleted, which gives the broker room to start again and to purge. It is laid again once
 * there is room for it four times over.
 */
export async function tendBallast(options: BallastOptions): Promise<BallastAct> {
  const free = await freeBytes(options.file);
  const lies = await exists(options.file);
  if (free < options.fullBytes) {
    if (!lies) return 'none';
    await rm(options.file, { force: true });
    return 'released';
  }
  if (lies || free < 4 * options.bytes) return 'none';
  await lay(options);
  return 'laid';
}

async function freeBytes(file: string): Promise<number> {
  const { bavail, bsize } = await statfs(file.slice(0, file.lastIndexOf('/')));
  return bavail * bsize;
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

// Written, not truncated to size: a sparse file holds no room.
async function lay(options: BallastOptions): Promise<void> {
  const handle = await open(options.file, 'w', 0o600);
  const block = Buffer.alloc(1024 * 1024);
  try {
    for (let left = options.bytes; left > 0; left -= block.length) {
      await handle.write(block, 0, Math.min(left, block.length));
    }
  } catch (error) {
    await rm(options.file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
