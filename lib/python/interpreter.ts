import { execFile } from 'node:child_process';
import { access, constants, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const NAMES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.14'];
const ASK = 'import sys; print(sys.version_info >= (3, 10), sys.executable)';

/**
 * Interpreters that could run the jail, in the order of `path`: `python` alone when it is given. Each is asked where it
 * really is (a version manager puts scripts on the path), and one that is older than 3.10 is left out.
 */
export async function interpreters(python: string | undefined, path: string): Promise<string[]> {
  const named = python === undefined ? await onPath(path) : [python];
  const found = await Promise.all(named.map(async (file) => await ask(file, path)));
  return [...new Set(found.filter((file) => file !== null))];
}

async function onPath(path: string): Promise<string[]> {
  const files = path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const there = await Promise.all(files.map(isExecutable));
  return files.filter((_, n) => there[n]);
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function ask(file: string, path: string): Promise<string | null> {
  try {
    const { stdout } = await run(file, ['-s', '-S', '-c', ASK], { env: { PATH: path }, timeout: 10_000 });
    const match = /^True (.+)$/m.exec(stdout);
    return match?.[1] === undefined ? null : await realpath(match[1]);
  } catch {
    return null;
  }
}
