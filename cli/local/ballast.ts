import { open, rm, stat, statfs } from 'node:fs/promises';

export interface BallastOptions {
  readonly file: string;
  readonly bytes: number;
  /** A disk with less room than this counts as full. */
  readonly fullBytes: number;
}

/** `freed`: there is room again after the disk was full with no ballast left on it. */
export type BallastAct = 'none' | 'released' | 'laid' | 'freed';

/** What is remembered from one look to the next. */
export interface BallastMemory {
  full: boolean;
}

/**
 * A broker whose disk is full answers nothing and cannot even purge. So a file of zeros lies ready on its disk: when
 * the disk is full it is deleted, which gives the broker room to start again and to purge. It is laid again once
 * there is room for it four times over. A broker that met a full disk stores nothing more until it is started again:
 * that is to be done after `released` and after `freed`.
 */
export async function tendBallast(options: BallastOptions, memory: BallastMemory): Promise<BallastAct> {
  const free = await freeBytes(options.file);
  const lies = await exists(options.file);
  if (free < options.fullBytes) {
    memory.full = !lies;
    if (!lies) return 'none';
    await rm(options.file, { force: true });
    return 'released';
  }
  if (memory.full) {
    memory.full = false;
    return 'freed';
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
