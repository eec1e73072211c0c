import type { BlobRef } from '@assay/lib/domain';
import type { Blob } from './blob.ts';
import { blobRefOf, digitsOf, missing } from './ref.ts';

/** Blobs of this process alone, for tests and for a store that need not last. */
export function memoryBlob(): Blob {
  const blobs = new Map<BlobRef, Uint8Array>();
  const known = (ref: BlobRef) => digitsOf(ref) !== '' && blobs.has(ref);
  return {
    put: async (bytes) => {
      const ref = blobRefOf(bytes);
      if (!blobs.has(ref)) blobs.set(ref, Uint8Array.from(bytes));
      return ref;
    },
    get: async (ref) => {
      const bytes = known(ref) ? blobs.get(ref) : undefined;
      if (bytes === undefined) throw missing(ref);
      return Uint8Array.from(bytes);
    },
    has: async (ref) => known(ref),
    delete: async (ref) => {
      if (known(ref)) blobs.delete(ref);
    },
    list: async function* (olderThanMs = 0) {
      if (olderThanMs <= 0) yield* [...blobs.keys()];
    },
    close: async () => blobs.clear(),
  };
}
