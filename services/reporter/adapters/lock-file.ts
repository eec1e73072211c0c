import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '@assay/lib/errors';

/** Held while a folder is in use by this process. */
export interface LockFile {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks from boot to the start of the process. */
  readonly started: string;
  /** Ticks mean nothing after a reboot. */
  readonly boot: string;
}

const FREE = '{}';

/**
 * Takes a folder's lock, or takes it over from a process that is gone. Throws DATABASE_UNAVAILABLE (permanent) naming
 * the holder when it is alive.
 *
 * The lock is the file `lock-<n>` with the highest number. Taking it is making the next one, which only one process
 * can; it is never deleted but by the holder of a higher one. So no two can take over a dead process' lock at once,
 * as they could if that were deleting a file and making it again.
 */
export async function takeLock(folder: string, pid: number): Promise<LockFile> {
  const mine = await holderOf(pid);
  if (mine === null) throw refused(folder, `the start time of process ${pid} cannot be read`);
  const draft = join(folder, `.lock-${randomUUID()}`);
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const number = (await highest(folder)) + 1;
      await refuseLiving(folder, number - 1);
      if (!(await linked(draft, path(folder, number)))) continue;
      if ((await highest(folder)) === number) {
        await removeBelow(folder, number);
        return { release: () => release(folder, number) };
      }
      await unlink(path(folder, number));
    }
    throw refused(folder, 'other processes take it at the same time');
  } finally {
    await unlink(draft);
  }
}

async function refuseLiving(folder: string, number: number): Promise<void> {
  const holder = parse((await readText(path(folder, number))) ?? FREE);
  if (holder === null) return;
  const alive = await holderOf(holder.pid);
  if (alive !== null && alive.started === holder.started && alive.boot === holder.boot) {
    throw refused(folder, `process ${holder.pid} has it open; stop that process, or use another folder`);
  }
}

async function linked(draft: string, to: string): Promise<boolean> {
  try {
    await link(draft, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function release(folder: string, number: number): Promise<void> {
  const draft = join(folder, `.lock-${randomUUID()}`);
  await writeFile(draft, FREE, { mode: 0o600 });
  await rename(draft, path(folder, number));
}

async function highest(folder: string): Promise<number> {
  return Math.max(0, ...(await numbers(folder)));
}

async function removeBelow(folder: string, number: number): Promise<void> {
  for (const lower of await numbers(folder)) {
    if (lower < number) await unlink(path(folder, lower)).catch(ignoreMissing);
  }
}

async function numbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => (/^lock-\d+$/.test(name) ? [Number(name.slice('lock-'.length))] : []));
}

function path(folder: string, number: number): string {
  return join(folder, `lock-${number}`);
}

/** A living process; null when there is none of that id, or only its zombie. */
async function holderOf(pid: number): Promise<Holder | null> {
  const stat = await readText(`/proc/${pid}/stat`);
  const boot = await readText('/proc/sys/kernel/random/boot_id');
  if (stat === null || boot === null) return null;
  // The name in parentheses may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const started = fields[19] ?? '';
  return state === 'Z' || state === 'X' ? null : { pid, started, boot: boot.trim() };
}

function parse(text: string): Holder | null {
  try {
    const { pid, started, boot } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    if (typeof pid !== 'number' || !Number.isInteger(pid)) return null;
    return { pid, started: String(started), boot: String(boot) };
  } catch {
    return null;
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return null;
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!isErrno(error, 'ENOENT')) throw error;
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function refused(folder: string, why: string): AssayError {
  return new AssayError('DATABASE_UNAVAILABLE', `the database in ${folder} is locked: ${why}`);
}
