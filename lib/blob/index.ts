export type { Blob } from './blob.ts';
export { cachedBlob } from './cached.ts';
export { folderBlob } from './folder.ts';
export { memoryBlob } from './memory.ts';
export { natsBlob, type NatsBlobOptions } from './nats-object-store.ts';
export { openBlob } from './open.ts';
export { blobRefOf } from './ref.ts';
