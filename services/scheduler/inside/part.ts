import { renameSync } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { passing } from '@assay/lib/errors';
import { ifThere } from './errno.ts';

export interface PartPaths {
  /** What the part becomes when it is whole. */
  readonly file: string;
  /** While it is ours: a name that no other process uses. */
  readonly ours: string;
  /** While it is nobody's: a name that whoever comes next can rename to one of its own. */
  readonly free: string;
}

const BEAT_MS = 1_000;
const READ_BYTES = 1024 * 1024;

/** The beginning of a file. It lives under a name of its owner; who finds its name gone has lost it, and stops. */
export class Part {
  readonly #paths: PartPaths;
  readonly #handle: FileHandle;
  readonly #inode: number;
  readonly #beats: NodeJS.Timeout;
  #heldAt = performance.now();
  #lost = false;
  #bytes: number;

  private constructor(paths: PartPaths, handle: FileHandle, inode: number, bytes: number) {
    this.#paths = paths;
    this.#handle = handle;
    this.#inode = inode;
    this.#bytes = bytes;
    // Shows the others that its owner lives, whatever the owner waits for.
    this.#beats = setInterval(() => {
      const now = new Date();
      handle.utimes(now, now).catch(() => undefined);
    }, BEAT_MS).unref();
  }

  static async open(paths: PartPaths, mode: 'r+' | 'wx+'): Promise<Part> {
    const handle = await open(paths.ours, mode, 0o644);
    const { ino, size } = await handle.stat();
    return new Part(paths, handle, ino, size);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether another process has taken it; then it is of no use here. */
  get lost(): boolean {
    return this.#lost;
  }

  async *content(): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let at = 0; at < this.#bytes;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, READ_BYTES, at);
      if (bytesRead === 0) throw passing('INTERNAL', `${this.#paths.ours} became shorter`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (performance.now() - this.#heldAt > BEAT_MS) await this.#requireHeld();
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, this.#bytes);
      done += bytesWritten;
      this.#bytes += bytesWritten;
    }
  }

  async empty(): Promise<void> {
    await this.#requireHeld();
    await this.#handle.truncate(0);
    this.#bytes = 0;
  }

  /** It is whole: everything is on disk before the file appears under its name. */
  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#requireHeld();
      await rename(this.#paths.ours, this.#paths.file);
      await syncFolder(path.dirname(this.#paths.file));
    } finally {
      await this.#close();
    }
  }

  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#paths.ours, { force: true });
  }

  /** Leaves it to whoever comes next. Synchronous: it is the last that a process does. */
  release(): void {
    clearInterval(this.#beats);
    try {
      renameSync(this.#paths.ours, this.#paths.free);
    } catch {
      // Somebody has it already, or the disk is gone.
    }
  }

  async #requireHeld(): Promise<void> {
    const found = await ifThere(stat(this.#paths.ours));
    this.#heldAt = performance.now();
    if (found?.ino === this.#inode) return;
    this.#lost = true;
    await this.#close();
    throw passing('INTERNAL', `another process has taken over ${this.#paths.file}`);
  }

  async #close(): Promise<void> {
    clearInterval(this.#beats);
    await this.#handle.close();
  }
}

/** Makes a rename in it last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
