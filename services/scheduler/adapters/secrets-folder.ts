import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Secrets } from '../ports.ts';

/** Secrets as files of mode 0600 in a folder of mode 0700. */
export function folderSecrets(folder: string): Secrets {
  return {
    async put(name, secret) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = path.join(folder, name);
      const temporary = `${file}.new`;
      await rm(temporary, { force: true });
      const handle = await open(temporary, 'wx', 0o600);
      try {
        await handle.writeFile(secret);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    },
    async delete(name) {
      for (const file of [name, `${name}.new`]) await rm(path.join(folder, file), { force: true });
    },
    async list() {
      const files = await entries(folder);
      const written = await Promise.all(files.map((file) => stat(path.join(folder, file)).catch(() => null)));
      return files.flatMap((file, i) => {
        const name = file.replace(/\.new$/, '');
        const writtenMs = written[i]?.mtimeMs;
        return writtenMs === undefined ? [] : [{ name, writtenMs }];
      });
    },
  };
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
