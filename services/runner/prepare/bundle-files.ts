import type { Blob } from '@assay/lib/blob';
import { isBlobRef, type BlobRef } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { TaskFiles } from '@assay/lib/tasks';

/** The files of a bundle, whose manifest is the blob `{ v: 1, files: [{ path, blob, bytes }] }`. */
export async function bundleFiles(blob: Blob, bundle: BlobRef): Promise<TaskFiles> {
  const manifest: unknown = JSON.parse(Buffer.from(await blob.get(bundle)).toString('utf8'));
  const files = new Map<string, BlobRef>();
  for (const file of filesOf(manifest)) {
    if (!isFile(file)) throw new AssayError('BUNDLE_INVALID', `${bundle} is not the manifest of a bundle`);
    files.set(file.path, file.blob);
  }
  return {
    paths: () => Promise.resolve([...files.keys()]),
    read(path) {
      const ref = files.get(path);
      if (ref === undefined) throw new AssayError('TASK_INVALID', `${path} is not in the bundle`);
      return blob.get(ref);
    },
  };
}

function filesOf(manifest: unknown): readonly unknown[] {
  const files =
    typeof manifest === 'object' && manifest !== null && 'files' in manifest ? manifest.files : null;
  return Array.isArray(files) ? files : [null];
}

function isFile(value: unknown): value is { readonly path: string; readonly blob: BlobRef } {
  if (typeof value !== 'object' || value === null || !('path' in value) || !('blob' in value)) return false;
  return typeof value.path === 'string' && isBlobRef(value.blob);
}
