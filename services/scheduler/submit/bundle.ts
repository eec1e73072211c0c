import type { BlobRef } from '@assay/lib/domain';

/** The files of a task folder, by content. Its blob's address names the bundle: same files, same name. */
export interface Manifest {
  readonly v: 1;
  /** Sorted by path. */
  readonly files: readonly ManifestFile[];
}

export interface ManifestFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  readonly blob: BlobRef;
  readonly bytes: number;
}

export interface BundleLimits {
  readonly files: number;
  readonly bytes: number;
}

/** Under this the catalog's files stand in a job's bundle beside the user's own; no upload may use it. */
export const CATALOG_PREFIX = '@catalog/';

/** What is wrong with a path in a bundle, or null. Nothing that could leave the folder, anywhere, passes. */
export function pathProblem(path: string): string | null {
  if (path === '') return 'is empty';
  if (path.length > 512) return 'is longer than 512 characters';
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\\]/.test(path)) return 'holds a backslash or a control character; use forward slashes';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path))
    return 'is absolute; send paths relative to the task folder';
  if (path.startsWith(CATALOG_PREFIX)) return `begins with ${CATALOG_PREFIX}, which is the catalog's`;
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'leaves the folder or has an empty part';
  return null;
}

export function manifestOf(files: readonly ManifestFile[]): Manifest {
  return { v: 1, files: [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) };
}

export function isManifest(value: unknown): value is Manifest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    value.v === 1 &&
    'files' in value &&
    Array.isArray(value.files)
  );
}
