import { createHash } from 'node:crypto';
import { isBlobRef, type BlobRef } from '@assay/lib/domain';
import { AssayError } from '../errors.ts';

/** The name of these bytes. */
export function blobRefOf(bytes: Uint8Array): BlobRef {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The 64 digits of a name. Throws INVALID_REQUEST for what is no name: it may come from outside and become a path. */
export function digitsOf(ref: BlobRef): string {
  if (!isBlobRef(ref)) throw new AssayError('INVALID_REQUEST', 'not the name of a blob');
  return ref.slice('sha256:'.length);
}

export function missing(ref: BlobRef, cause?: unknown): AssayError {
  return new AssayError('BLOB_MISSING', `blob ${ref} is not in the store`, { cause });
}

/** Throws INTERNAL when the bytes are not those that the name promises. */
export function proven(ref: BlobRef, bytes: Uint8Array): Uint8Array {
  if (blobRefOf(bytes) === ref) return bytes;
  throw new AssayError('INTERNAL', `the bytes of blob ${ref} do not match its name`);
}
