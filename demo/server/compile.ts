import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompileSettings } from './settings.ts';

const PIECE_BYTES = 4 * 1024 * 1024;
const KEPT_BYTES = 256 * 1024;
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Fills the cache of a compiled model as a device's server does while it starts: a file for each piece of the weights, none
 * of them read by anybody. What an earlier start left is not made again. Gives how many files it made.
 */
export async function compile(
  weights: string,
  { folder, pieceMs, stallsAfter }: CompileSettings,
  signal: AbortSignal,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const handle = await open(weights);
  let made = 0;
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let index = 0; ; index += 1) {
      const { bytesRead } = await handle.read(piece, 0, PIECE_BYTES, index * PIECE_BYTES);
      if (bytesRead === 0) return made;
      if (index === stallsAfter) await sleep(FOREVER_MS, undefined, { signal });
      const read = piece.subarray(0, bytesRead);
      const name = `${String(index).padStart(5, '0')}-${createHash('sha256').update(read).digest('hex').slice(0, 16)}.tensor`;
      if (await keep(folder, name, read.subarray(0, KEPT_BYTES))) {
        made += 1;
        await sleep(pieceMs, undefined, { signal });
      }
    }
  } finally {
    await handle.close();
  }
}

/** Writes a file of the cache, whole or not at all; false when it is there. */
export async function keep(folder: string, name: string, content: Uint8Array | string): Promise<boolean> {
  const file = path.join(folder, name);
  if (existsSync(file)) return false;
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
  return true;
}
