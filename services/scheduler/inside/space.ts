import { statfs } from 'node:fs/promises';
import { AssayError } from '@assay/lib/errors';
import { errnoOf } from './errno.ts';

export interface Need {
  /** What is still missing of the files whose sizes are known. */
  readonly missingBytes: number;
  /** What is there already. */
  readonly thereBytes: number;
  /** Room that all of it is said to take; 0: nobody says. */
  readonly leastBytes: number;
}

export function neededBytes({ missingBytes, thereBytes, leastBytes }: Need): number {
  return Math.max(missingBytes, leastBytes - thereBytes, 0);
}

/** Throws WEIGHTS_NO_SPACE when the folder's file system has less room. */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const freeBytes = await freeBytesOf(folder);
  if (freeBytes < bytes) throw noSpace(folder, bytes, freeBytes);
}

/** A write's error: WEIGHTS_NO_SPACE if that is what it was, else as it is. */
export async function spaceFault(error: unknown, folder: string, bytes: number): Promise<unknown> {
  if (!['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')) return error;
  return noSpace(folder, bytes, await freeBytesOf(folder), error);
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function noSpace(folder: string, bytes: number, freeBytes: number, cause?: unknown): AssayError {
  const message = `${bytes} bytes more are needed in ${folder}, and ${freeBytes} are free`;
  return new AssayError('WEIGHTS_NO_SPACE', message, { cause });
}
