import { link, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { identityOf, lives, parseIdentity } from '@assay/cli/local/process-identity';
import { readOr, writeWhole } from '@assay/cli/local/state';

/** `holder`: the process of the demo that is at work already, or null when this is the one until `release`. */
export interface Turn {
  readonly holder: number | null;
  release(): Promise<void>;
}

/** One demo to a state folder: two would both start services, and the first to end would stop those of the other. */
export async function takeTurn(state: string): Promise<Turn> {
  const file = path.join(state, 'demo.lock');
  await mkdir(state, { recursive: true });
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
