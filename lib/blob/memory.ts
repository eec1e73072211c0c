import type { BlobRef } from '@assay/lib/domain';
import type { Blob } from './blob.ts';
import { blobRefOf, digitsOf, missing } from './ref.ts';

/** Blobs of this process alone, for tests and for a store that need not last. */
export function memoryBlob(): Blob {
  const blobs = new Map<string, { readonly bytes: Uint8Array; readonly putMs: number }>();
  return {
    put: async (bytes) => {
      const ref = blobRefOf(bytes);
      blobs.set(digitsOf(ref), { bytes: Uint8Array.from(bytes), putMs: Date.now() });
      return ref;
    },
    get: async (ref) => {
      const found = blobs.get(digitsOf(ref));
      if (found === undefined) throw missing(ref);
      return Uint8Array.from(found.bytes);
    },
    has: async (ref) => blobs.has(digitsOf(ref)),
    delete: async (ref) => {
      blobs.delete(digitsOf(ref));
    },
    list: async function* (olderThanMs = 0): AsyncIterable<BlobRef> {
      for (const [digits, { putMs }] of blobs) {
        if (Date.now() - putMs >= olderThanMs) yield `sha256:${digits}`;
      }
    },
    close: async () => blobs.clear(),
  };
}
