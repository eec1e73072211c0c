import type { BlobRef } from '@assay/lib/domain';

/** Content-addressed storage. Writing the same bytes twice is one blob; a read proves the hash. */
export interface Blob {
  /** Throws BLOB_STORE_FULL (passing) when there is no room; nothing partial is ever visible. */
  put(bytes: Uint8Array): Promise<BlobRef>;
  /** Throws BLOB_MISSING (permanent) when it is not there, INTERNAL when its bytes do not match its name. */
  get(ref: BlobRef): Promise<Uint8Array>;
  has(ref: BlobRef): Promise<boolean>;
  delete(ref: BlobRef): Promise<void>;
  /** Every blob whose last `put` is at least `olderThanMs` (default 0) ago, unordered. For retention. */
  list(olderThanMs?: number): AsyncIterable<BlobRef>;
  close(): Promise<void>;
}
