/** Files of a bundle. Paths are POSIX, relative to the bundle's root, without `.` and `..`. */
export interface TaskFiles {
  paths(): Promise<readonly string[]>;
  read(path: string): Promise<Uint8Array>;
}

export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** `path` seen from `folder`; null when it is absolute or leaves the bundle. */
export function joinPath(folder: string, path: string): string | null {
  if (path.startsWith('/')) return null;
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join('/');
}

/**
 * The file that a data path of a task means: seen from the task's folder first, then from each folder above it up to
 * the bundle's root. Undefined when there is none.
 */
export function findFile(known: ReadonlySet<string>, folder: string, path: string): string | undefined {
  for (let from = folder; ; from = folderOf(from)) {
    const joined = joinPath(from, path);
    if (joined !== null && known.has(joined)) return joined;
    if (from === '') return undefined;
  }
}
