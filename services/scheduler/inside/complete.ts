import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from './errno.ts';
import { syncFolder } from './part.ts';

/** The file that says what a folder holds; it is written last. */
export const COMPLETE = '.complete.json';

export interface Complete {
  readonly repo: string;
  readonly revision: string;
  /** The names that were asked for; none: all. */
  readonly asked: readonly string[];
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

export type Asked = Pick<Complete, 'repo' | 'revision' | 'asked'>;

/** Whether the folder holds everything that is asked for: it was completed for it, and each file has its size. */
export async function isComplete(folder: string, { repo, revision, asked }: Asked): Promise<boolean> {
  const found = readComplete(await ifThere(readFile(path.join(folder, COMPLETE), 'utf8')));
  if (found?.repo !== repo || found.revision !== revision) return false;
  const names = found.files.map(({ name }) => name);
  const enough = asked.length === 0 ? found.asked.length === 0 : asked.every((name) => names.includes(name));
  if (!enough) return false;
  for (const { name, bytes } of found.files)
    if ((await ifThere(stat(path.join(folder, name))))?.size !== bytes) return false;
  return true;
}

function readComplete(text: string | null): Complete | null {
  try {
    const value = JSON.parse(text ?? 'null') as Complete | null;
    return Array.isArray(value?.files) && Array.isArray(value.asked) ? value : null;
  } catch {
    return null;
  }
}

export async function writeComplete(folder: string, id: string, value: Complete): Promise<void> {
  const temporary = path.join(folder, `${COMPLETE}.${id}`);
  const handle = await open(temporary, 'w', 0o644);
  try {
    await handle.writeFile(`${JSON.stringify(value)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path.join(folder, COMPLETE));
  await syncFolder(folder);
}

/** Before a file is changed: whoever waits for the folder must go on waiting. */
export async function removeComplete(folder: string): Promise<void> {
  await rm(path.join(folder, COMPLETE), { force: true });
}
