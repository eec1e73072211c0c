import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TaskFiles } from '@assay/lib/tasks';

/** The task files of a folder; what its names begin with a dot stays out. */
export function folderFiles(folder: string): TaskFiles {
  return {
    async paths() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) =>
          path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'),
        )
        .filter((name) => !name.split('/').some((part) => part.startsWith('.')))
        .sort();
    },
    read: (name) => readFile(path.join(folder, name)),
  };
}
