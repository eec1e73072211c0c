import { readFileSync } from 'node:fs';

/** The FileDescriptorSet of all contracts, for reflection. */
export function descriptorSet(): Buffer {
  return readFileSync(new URL('gen/descriptors.binpb', import.meta.url));
}
