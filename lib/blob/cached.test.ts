import { beforeEach, describe, expect, test } from 'vitest';
import type { BlobRef } from '@assay/lib/domain';
import type { Blob } from './blob.ts';
import { cachedBlob } from './cached.ts';
import { memoryBlob } from './memory.ts';

let reads: BlobRef[];
let store: Blob;

beforeEach(() => {
  reads = [];
  const inner = memoryBlob();
  store = {
    ...inner,
    get: (ref) => {
      reads.push(ref);
      return inner.get(ref);
    },
  };
});

const bytes = (fill: number, length: number) => new Uint8Array(length).fill(fill);

describe('a cached blob', () => {
  test('is read once, by many at the same time and later', async () => {
    const ref = await store.put(bytes(1, 100));
    const blob = cachedBlob(store, 1_000);
    const all = await Promise.all(Array.from({ length: 10 }, () => blob.get(ref)));
    expect(await blob.get(ref)).toEqual(bytes(1, 100));
    expect(new Set(all).size).toBe(1);
    expect(reads).toEqual([ref]);
  });

  test('that was not used for longest makes room first', async () => {
    const refs = await Promise.all([1, 2, 3].map((fill) => store.put(bytes(fill, 40))));
    const [a, b, c] = refs as [BlobRef, BlobRef, BlobRef];
    const blob = cachedBlob(store, 100);
    for (const ref of [a, b, a, c, a, c, b]) await blob.get(ref);
    expect(reads).toEqual([a, b, c, b]);
  });

  test('over the limit is passed through and displaces nothing', async () => {
    const [small, large] = [await store.put(bytes(1, 50)), await store.put(bytes(2, 200))];
    const blob = cachedBlob(store, 100);
    for (const ref of [small, large, small, large]) await blob.get(ref);
    expect(reads).toEqual([small, large, large]);
  });

  test('that failed to be read is read again', async () => {
    const blob = cachedBlob(store, 100);
    const ref: BlobRef = `sha256:${'0'.repeat(64)}`;
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'BLOB_MISSING' });
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'BLOB_MISSING' });
    expect(reads).toHaveLength(2);
  });

  test('that is deleted while it is read is not kept', async () => {
    const ref = await store.put(bytes(1, 10));
    const blob = cachedBlob(store, 100);
    const reading = blob.get(ref);
    await blob.delete(ref);
    await reading;
    await expect(blob.get(ref)).rejects.toMatchObject({ reason: 'BLOB_MISSING' });
  });
});
