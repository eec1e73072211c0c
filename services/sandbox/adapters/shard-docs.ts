import type { Blob } from '@assay/lib/blob';
import type { BlobRef, ShardDocs } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Docs } from '../ports.ts';

interface Kept {
  readonly shard: Promise<ShardDocs>;
  bytes: number;
}

/** Shards parsed once for all their samples; the least recently used go when more than `limitBytes` of JSON are kept. */
export function shardDocs(blob: Blob, limitBytes: number): Docs {
  const kept = new Map<BlobRef, Kept>(); // least recently used first
  let keptBytes = 0;

  const forget = (ref: BlobRef): void => {
    keptBytes -= kept.get(ref)?.bytes ?? 0;
    kept.delete(ref);
  };
  const read = async (ref: BlobRef, entry: Kept): Promise<ShardDocs> => {
    const bytes = await blob.get(ref);
    if (kept.get(ref) === entry) {
      entry.bytes = bytes.byteLength;
      keptBytes += bytes.byteLength;
    }
    for (const oldest of kept.keys()) {
      if (keptBytes <= limitBytes || oldest === ref) break;
      forget(oldest);
    }
    return parse(bytes, ref);
  };

  return {
    get: async (ref) => {
      const known = kept.get(ref);
      if (known !== undefined) {
        kept.delete(ref);
        kept.set(ref, known);
        return await known.shard;
      }
      const { promise, resolve, reject } = Promise.withResolvers<ShardDocs>();
      const entry: Kept = { shard: promise, bytes: 0 };
      kept.set(ref, entry);
      read(ref, entry).then(resolve, (error: unknown) => {
        if (kept.get(ref) === entry) forget(ref);
        reject(error);
      });
      return await promise;
    },
  };
}

function parse(bytes: Uint8Array, ref: BlobRef): ShardDocs {
  try {
    const shard: ShardDocs = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (shard.v === 1 && Array.isArray(shard.docs)) return shard;
  } catch {
    // said below
  }
  throw new AssayError('INTERNAL', `blob ${ref} does not hold the documents of a shard`);
}
