import type { BlobRef } from '@assay/lib/domain';
import type { Blob } from './blob.ts';

/**
 * Keeps what was read last, up to `limitBytes`, and reads a blob once for all who ask for it at the same time. The
 * bytes are shared: nobody may change them. A blob that is larger than the limit is passed through.
 */
export function cachedBlob(blob: Blob, limitBytes: number): Blob {
  const kept = new Map<BlobRef, Uint8Array>(); // least recently used first
  const reading = new Map<BlobRef, Promise<Uint8Array>>();
  let keptBytes = 0;

  const forget = (ref: BlobRef) => {
    keptBytes -= kept.get(ref)?.byteLength ?? 0;
    kept.delete(ref);
  };
  const keep = (ref: BlobRef, bytes: Uint8Array) => {
    if (bytes.byteLength > limitBytes) return;
    forget(ref);
    kept.set(ref, bytes);
    keptBytes += bytes.byteLength;
    for (const oldest of kept.keys()) {
      if (keptBytes <= limitBytes) return;
      forget(oldest);
    }
  };
  const read = (ref: BlobRef) => {
    const promise = blob
      .get(ref)
      .then((bytes) => {
        if (reading.get(ref) === promise) keep(ref, bytes);
        return bytes;
      })
      .finally(() => {
        if (reading.get(ref) === promise) reading.delete(ref);
      });
    reading.set(ref, promise);
    return promise;
  };

  return {
    put: (bytes) => blob.put(bytes),
    get: async (ref) => {
      const bytes = kept.get(ref);
      if (bytes === undefined) return reading.get(ref) ?? read(ref);
      kept.delete(ref);
      kept.set(ref, bytes);
      return bytes;
    },
    has: async (ref) => kept.has(ref) || blob.has(ref),
    delete: async (ref) => {
      forget(ref);
      reading.delete(ref);
      await blob.delete(ref);
    },
    list: (olderThanMs) => blob.list(olderThanMs),
    close: () => blob.close(),
  };
}
