import { link, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { identityOf, lives, parseIdentity } from './process-identity.ts';
import { readOr, writeWhole } from './state.ts';

/** `holder`: the process that is at work already, or null when it is this one's turn until `release`. */
export interface Turn {
  readonly holder: number | null;
  release(): Promise<void>;
}

/** One process at a time holds the file; one that was killed holds it no longer. */
export async function takeTurn(file: string): Promise<Turn> {
  await mkdir(path.dirname(file), { recursive: true });
  const holder = parseIdentity(await readOr(file, ''));
  if (holder !== null && (await lives(holder))) return taken(holder.pid);
  await rm(file, { force: true });
  const own = `${file}.${process.pid}`;
  await writeWhole(own, JSON.stringify(await identityOf(process.pid)), 0o600);
  try {
    // Of two that come here at once, one makes the link.
    await link(own, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return taken(parseIdentity(await readOr(file, ''))?.pid ?? 0);
  } finally {
    await rm(own);
  }
  return { holder: null, release: () => rm(file, { force: true }) };
}

function taken(holder: number): Turn {
  return { holder, release: () => Promise.resolve() };
}
