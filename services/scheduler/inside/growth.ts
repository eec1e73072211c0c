import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
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
/** Pauses are so many times as long as walks, so that a folder of very many files costs no more than others. */
const PAUSES = 20;

/** Measures a folder whenever it is asked, and walks it at most once a second. */
export function growthOf(folder: string, clock: Clock): () => Promise<Grown> {
  let grown: Grown | null = null;
  let nextMs = -Infinity;
  let walking: Promise<Grown> | null = null;
  const walk = async (): Promise<Grown> => {
    const fromMs = clock.monotonic();
    const size = await sizeOf(folder);
    const more = grown !== null && (size.bytes > grown.bytes || size.files > grown.files);
    grown = { ...size, lastGrowthMs: more ? clock.now() : (grown?.lastGrowthMs ?? null) };
    const nowMs = clock.monotonic();
    nextMs = nowMs + Math.max(LEAST_MS, PAUSES * (nowMs - fromMs));
    return grown;
  };
  return () => {
    if (grown !== null && clock.monotonic() < nextMs) return Promise.resolve(grown);
    walking ??= walk().finally(() => (walking = null));
    return walking;
  };
}

// One folder at a time. What vanishes meanwhile is not counted; links are not followed.
async function sizeOf(folder: string): Promise<{ bytes: number; files: number; closed: number }> {
  const total = { bytes: 0, files: 0, closed: 0 };
  const waiting = [folder];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const entries = await ifThere(readdir(place, { withFileTypes: true }).catch(closed));
    if (entries === 'closed') total.closed += 1;
    if (entries === null || entries === 'closed') continue;
    for (const entry of entries) {
      const inner = path.join(place, entry.name);
      const bytes = entry.isDirectory() ? null : bytesOf(inner);
      if (entry.isDirectory()) waiting.push(inner);
      if (bytes === null) continue;
      total.bytes += bytes;
      total.files += 1;
    }
  }
  return total;
}

// Synchronous: a promise for each file costs thirty times as much.
function bytesOf(file: string): number | null {
  try {
    return lstatSync(file).size;
  } catch {
    return null;
  }
}

function closed(error: unknown): 'closed' {
  if (errnoOf(error) === 'EACCES') return 'closed';
  throw error;
}
