import type { Blob } from '@assay/lib/blob';
import type { BlobRef } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { manifestOf, pathProblem, type BundleLimits, type ManifestFile } from './bundle.ts';

/** One message of an upload: the first of a file carries its path. */
export interface UploadPart {
  readonly path: string;
  readonly chunk: Uint8Array;
}

export interface Uploaded {
  readonly bundle: BlobRef;
  readonly files: number;
  readonly bytes: number;
}

/** Stores a task folder file by file and names it by its content. Holds one file at a time. */
export async function upload(
  parts: AsyncIterable<UploadPart>,
  blob: Blob,
  limits: BundleLimits,
): Promise<Uploaded> {
  const files: ManifestFile[] = [];
  const seen = new Set<string>();
  let open: { readonly path: string; readonly chunks: Uint8Array[] } | null = null;
  let bytes = 0;
  const close = async () => {
    if (open === null) return;
    const content = Buffer.concat(open.chunks);
    files.push({ path: open.path, blob: await blob.put(content), bytes: content.length });
    open = null;
  };
  for await (const part of parts) {
    if (part.path !== '') {
      await close();
      checkPath(part.path, seen, limits);
      open = { path: part.path, chunks: [] };
    }
    if (open === null)
      throw invalid('path', 'is missing in the first message; the first chunk of each file carries its path');
    bytes += part.chunk.length;
    if (bytes > limits.bytes) {
      throw new AssayError(
        'BUNDLE_TOO_LARGE',
        `the bundle is larger than ${limits.bytes} bytes; leave data out that the tasks do not name`,
        {
          violations: [
            { field: open.path, message: `passes the limit of ${limits.bytes} bytes for all files together` },
          ],
        },
      );
    }
    open.chunks.push(part.chunk);
  }
  await close();
  if (files.length === 0) throw invalid('path', 'no file was sent');
  const manifest = Buffer.from(JSON.stringify(manifestOf(files)));
  return { bundle: await blob.put(manifest), files: files.length, bytes };
}

function checkPath(path: string, seen: Set<string>, limits: BundleLimits): void {
  const problem = pathProblem(path) ?? (seen.has(path) ? 'is sent twice' : null);
  if (problem !== null) throw invalid(path === '' ? 'path' : path, problem);
  seen.add(path);
  if (seen.size > limits.files) {
    throw new AssayError('BUNDLE_TOO_LARGE', `the bundle has more than ${limits.files} files`, {
      violations: [{ field: path, message: `is file number ${seen.size}; at most ${limits.files}` }],
    });
  }
}

function invalid(field: string, message: string): AssayError {
  return new AssayError('BUNDLE_INVALID', `the bundle cannot be used: ${field} ${message}`, {
    violations: [{ field, message }],
  });
}
