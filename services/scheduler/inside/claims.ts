import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@assay/lib/clock';
import { ifThere } from './errno.ts';
import { Part } from './part.ts';

/** Who may write a file, among processes that share nothing but its folder. */
export interface Claims {
  /** What is there of the file, or nothing yet, as ours; null while another process works on it. */
  claim(file: string): Promise<Part | null>;
  /** Bytes of the largest part that there is. */
  begun(file: string): Promise<number>;
  /** Removes the parts that nobody needs, for the file is there. */
  sweep(file: string): Promise<void>;
}

export interface ClaimsOptions {
  /** 16 hex digits that no other process has. */
  readonly id: string;
  /** A part whose owner was not seen to do anything for so long is nobody's. */
  readonly silentMs: number;
  readonly clock: Clock;
}

interface Found {
  readonly place: string;
  readonly owned: boolean;
  readonly bytes: number;
  readonly changedMs: number;
}

/**
 * A part is `FILE.ID.part` while somebody works on it, and `FILE.part` when it was left. To claim one is to rename it, and
 * a name can be renamed once: of two that try, one gets it. No two clocks are compared: whether an owner lives is seen by
 * its part's changes while we wait.
 */
export function createClaims({ id, silentMs, clock }: ClaimsOptions): Claims {
  const seen = new Map<string, { readonly sign: string; readonly sinceMs: number }>();
  const isSilent = ({ place, bytes, changedMs }: Found): boolean => {
    const sign = `${bytes} ${changedMs}`;
    const before = seen.get(place);
    if (before?.sign === sign) return clock.monotonic() - before.sinceMs >= silentMs;
    seen.set(place, { sign, sinceMs: clock.monotonic() });
    return false;
  };
  return {
    async claim(file) {
      await mkdir(path.dirname(file), { recursive: true });
      const ours = `${file}.${id}.part`;
      const paths = { file, ours, free: `${file}.part` };
      const found = await partsOf(file);
      const busy = found.filter((part) => part.owned).filter((part) => !isSilent(part));
      if (busy.length > 0) return null;
      for (const { place } of found.toSorted((a, b) => b.bytes - a.bytes)) {
        const got = await ifThere(rename(place, ours).then(() => true));
        if (got !== null) return Part.open(paths, 'r+');
      }
      return Part.open(paths, 'wx+');
    },
    begun: async (file) => Math.max(0, ...(await partsOf(file)).map(({ bytes }) => bytes)),
    async sweep(file) {
      for (const { place } of await partsOf(file)) await rm(place, { force: true });
    },
  };
}

async function partsOf(file: string): Promise<readonly Found[]> {
  const folder = path.dirname(file);
  const begin = `${path.basename(file)}.`;
  const found: Found[] = [];
  for (const name of (await ifThere(readdir(folder))) ?? []) {
    if (!name.startsWith(begin) || !/^(?:[0-9a-f]{16}\.)?part$/.test(name.slice(begin.length))) continue;
    const place = path.join(folder, name);
    const at = await ifThere(stat(place));
    if (at === null) continue;
    found.push({ place, owned: name !== `${begin}part`, bytes: at.size, changedMs: at.mtimeMs });
  }
  return found;
}
