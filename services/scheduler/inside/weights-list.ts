import { AssayError, passing } from '@assay/lib/errors';
import { isPlainPath } from './plain-path.ts';

/** One file of a repository, as its hub describes it. */
export interface WeightsFile {
  /** Its path in the repository, and below the folder. */
  readonly name: string;
  readonly bytes: number | null;
  /** In hex; null where the hub does not say it. */
  readonly sha256: string | null;
}

/**
 * The `wanted` files of a hub's answer to `GET /api/models/{repo}/revision/{revision}?blobs=true`, all without any. Throws
 * WEIGHTS_NOT_FOUND, and WEIGHTS_CORRUPT for a path that could leave the folder.
 */
export function readList(listed: unknown, wanted: readonly string[]): readonly WeightsFile[] {
  const siblings = fieldOf(listed, 'siblings');
  if (!Array.isArray(siblings))
    throw passing('WEIGHTS_HUB_UNREACHABLE', 'the hub answers something else than a list of files');
  const all = new Map(siblings.map((entry: unknown) => readFile(entry)).map((file) => [file.name, file]));
  const missing = wanted.filter((name) => !all.has(name));
  if (missing.length > 0)
    throw new AssayError('WEIGHTS_NOT_FOUND', `the repository has no file ${missing.join(', ')}`);
  const files =
    wanted.length === 0 ? [...all.values()] : [...all.values()].filter(({ name }) => wanted.includes(name));
  if (files.length === 0) throw new AssayError('WEIGHTS_NOT_FOUND', 'the repository has no files');
  const leaving = files.filter(({ name }) => !isPlainPath(name));
  if (leaving.length === 0) return files;
  const names = leaving.map(({ name }) => JSON.stringify(name)).join(', ');
  throw new AssayError('WEIGHTS_CORRUPT', `the hub lists paths that are not taken: ${names}`);
}

// Hubs call the hash of a large file `sha256` in this list, and `oid` in others.
function readFile(entry: unknown): WeightsFile {
  const name = fieldOf(entry, 'rfilename');
  const large = fieldOf(entry, 'lfs');
  const bytes = fieldOf(large, 'size') ?? fieldOf(entry, 'size');
  const hash = fieldOf(large, 'sha256') ?? fieldOf(large, 'oid');
  return {
    name: typeof name === 'string' ? name : '',
    bytes: typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null,
    sha256: typeof hash === 'string' ? sha256Of(hash) : null,
  };
}

/** The hash that a hub's list or header holds; null for anything else, such as the hash of a git object. */
export function sha256Of(text: string): string | null {
  return /^(?:W\/)?"?(?:sha256:)?([0-9a-f]{64})"?$/.exec(text)?.[1] ?? null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
