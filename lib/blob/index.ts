export type { Blob } from './blob.ts';
export { cachedBlob } from './cached.ts';
export { folderBlob } from './folder.ts';
export { memoryBlob } from './memory.ts';
export { blobRefOf } from './ref.ts';
