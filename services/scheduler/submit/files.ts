import type { Blob } from '@assay/lib/blob';
import { isBlobRef, type BlobRef } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { TaskFiles } from '@assay/lib/tasks';
import type { Bundles } from '../ports.ts';
import { isManifest, manifestOf, type ManifestFile } from './bundle.ts';

export interface BundlePorts {
  readonly blob: Blob;
  readonly bundles: Bundles;
}

/** The files of a stored bundle. Throws BUNDLE_INVALID when the tenant never uploaded it. */
export async function bundleFiles(
  { blob, bundles }: BundlePorts,
  tenant: string,
  bundle: string,
): Promise<StoredFiles> {
  if (!isBlobRef(bundle) || !(await bundles.has(tenant, bundle))) throw unknownBundle();
  const files = new Map((await readManifest(blob, bundle)).map((file) => [file.path, file]));
  return {
    paths: () => Promise.resolve([...files.keys()]),
    read(path) {
      const file = files.get(path);
      if (file === undefined) throw new AssayError('BUNDLE_INVALID', `the bundle has no file ${path}`);
      return blob.get(file.blob);
    },
    stored: (path) => files.get(path),
  };
}

/** Task files that are blobs already. */
export interface StoredFiles extends TaskFiles {
  stored(path: string): ManifestFile | undefined;
}

function unknownBundle(): AssayError {
  return new AssayError('BUNDLE_INVALID', 'the bundle is not known; upload the task folder first', {
    violations: [{ field: 'bundle', message: 'must be the answer of UploadBundle' }],
  });
}

async function readManifest(blob: Blob, bundle: BlobRef): Promise<readonly ManifestFile[]> {
  if (!(await blob.has(bundle))) throw unknownBundle();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(await blob.get(bundle)).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw unknownBundle();
    throw error;
  }
  if (!isManifest(value)) throw unknownBundle();
  return value.files;
}

/** Files of a job, from one or more folders: each path is put under its folder's prefix. */
export interface Picked {
  readonly prefix: string;
  readonly files: TaskFiles & Partial<StoredFiles>;
  readonly paths: readonly string[];
}

/** Stores exactly the files that a job needs, so that the job never depends on a folder that changes. */
export async function snapshot(blob: Blob, picked: readonly Picked[]): Promise<BlobRef> {
  const files: ManifestFile[] = [];
  for (const { prefix, files: folder, paths } of picked) {
    for (const path of paths) {
      const stored = folder.stored?.(path);
      if (stored !== undefined) {
        files.push({ ...stored, path: prefix + path });
        continue;
      }
      const content = await folder.read(path);
      files.push({ path: prefix + path, blob: await blob.put(content), bytes: content.length });
    }
  }
  return blob.put(Buffer.from(JSON.stringify(manifestOf(files))));
}
