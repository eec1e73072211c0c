import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@assay/lib/clock';
import { errnoOf, ifThere } from './errno.ts';

export interface Grown {
  readonly bytes: number;
  readonly files: number;
  /** When more was first seen; null while nothing was added to what was there at first. */
  readonly lastGrowthMs: number | null;
  /** Folders that we may not look into. */
  readonly closed: number;
}

const LEAST_MS = 1_000;

/** Measures a folder whenever it is asked, and walks it at most once a second. */
export function growthOf(folder: string, clock: Clock): () => Promise<Grown> {
  let grown: Grown | null = null;
  let walkedMs = -Infinity;
  let walking: Promise<Grown> | null = null;
  const walk = async (): Promise<Grown> => {
    const size = await sizeOf(folder);
    const more = grown !== null && (size.bytes > grown.bytes || size.files > grown.files);
    grown = { ...size, lastGrowthMs: more ? clock.now() : (grown?.lastGrowthMs ?? null) };
    walkedMs = clock.monotonic();
    return grown;
  };
  return () => {
    if (grown !== null && clock.monotonic() - walkedMs < LEAST_MS) return Promise.resolve(grown);
    walking ??= walk().finally(() => (walking = null));
    return walking;
  };
}

// One directory at a time, and what vanishes meanwhile is not counted. Links are not followed.
async function sizeOf(folder: string): Promise<{ bytes: number; files: number; closed: number }> {
  const total = { bytes: 0, files: 0, closed: 0 };
  const waiting = [folder];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const entries = await ifThere(opendir(place).catch(closed));
    if (entries === 'closed') total.closed += 1;
    if (entries === null || entries === 'closed') continue;
    for await (const entry of entries) {
      const inner = path.join(place, entry.name);
      if (entry.isDirectory()) {
        waiting.push(inner);
        continue;
      }
      const found = await ifThere(lstat(inner));
      if (found === null) continue;
      total.bytes += found.size;
      total.files += 1;
    }
  }
  return total;
}

function closed(error: unknown): 'closed' {
  if (errnoOf(error) === 'EACCES') return 'closed';
  throw error;
}
