import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { AssayError } from '@assay/lib/errors';
import type { Layout } from './layout.ts';
import { identityOf, lives, parseIdentity } from './process-identity.ts';

/**
 * Makes a process the one supervisor of a state folder, until the file is removed. Throws UNAVAILABLE while another
 * one lives; one that died without a word is followed.
 */
export async function claim(layout: Layout, pid: number): Promise<void> {
  await mkdir(layout.run, { recursive: true, mode: 0o700 });
  const mine = JSON.stringify(await identityOf(pid));
  while (!(await create(layout.supervisorFile, mine, pid))) {
    const theirs = await readOrNull(layout.supervisorFile);
    if (theirs === null) continue;
    const holder = parseIdentity(theirs);
    if (holder !== null && holder.pid !== pid && (await lives(holder))) throw taken(layout, holder.pid);
    await clear(layout.supervisorFile, theirs, pid);
  }
}

function taken(layout: Layout, pid: number): AssayError {
  return new AssayError(
    'UNAVAILABLE',
    `a local Assay runs already in ${layout.root} (process ${pid}); \`assay local down\` stops it`,
  );
}

// Written apart and linked into place, so that nobody ever reads half of it and only one can be first.
async function create(file: string, text: string, pid: number): Promise<boolean> {
  const part = `${file}.${pid}`;
  await writeFile(part, text, { mode: 0o600 });
  try {
    await link(part, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(part, { force: true });
  }
}

// Removes what a dead process left, and puts back what a living one may have written in between.
async function clear(file: string, stale: string, pid: number): Promise<void> {
  const aside = `${file}.${pid}.stale`;
  try {
    await rename(file, aside);
    if ((await readOrNull(aside)) !== stale) await link(aside, file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
