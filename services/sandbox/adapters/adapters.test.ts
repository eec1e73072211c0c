import { memoryBlob } from '@assay/lib/blob';
import type { ScoreOutcome } from '@assay/lib/domain';
import { describe, expect, it } from 'vitest';
import { shard } from '../testing/builders.ts';
import { blobOutcomes } from './outcomes.ts';
import { shardDocs } from './shard-docs.ts';

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('shardDocs', () => {
  it('reads and parses a shard once for all its samples', async () => {
    const blob = memoryBlob();
    let reads = 0;
    const counting = {
      ...blob,
      get: async (ref: Parameters<typeof blob.get>[0]) => (reads++, await blob.get(ref)),
    };
    const ref = await blob.put(bytes(shard()));
    const docs = shardDocs(counting, 1 << 20);
    const [one, two] = await Promise.all([docs.get(ref), docs.get(ref)]);
    expect(one).toBe(two);
    expect(await docs.get(ref)).toBe(one);
    expect(reads).toBe(1);
  });

  it('forgets the least recently used, and what could not be read', async () => {
    const blob = memoryBlob();
    const first = await blob.put(bytes(shard()));
    const second = await blob.put(bytes({ ...shard(), task: 'other' }));
    const docs = shardDocs(blob, 10);
    const before = await docs.get(first);
    await docs.get(second);
    expect(await docs.get(first)).not.toBe(before);
    const absent = `sha256:${'0'.repeat(64)}` as const;
    await expect(docs.get(absent)).rejects.toMatchObject({ reason: 'BLOB_MISSING' });
    const garbage = await blob.put(Buffer.from('[]'));
    await expect(docs.get(garbage)).rejects.toMatchObject({ reason: 'INTERNAL' });
  });
});

describe('blobOutcomes', () => {
  const outcome = (text: string): ScoreOutcome => ({
    status: 'scored',
    metrics: {},
    filtered: { none: text },
  });

  it('keeps a small outcome in its message and puts a large one into the blob store', async () => {
    const blob = memoryBlob();
    const outcomes = blobOutcomes(blob);
    expect(await outcomes.pack(outcome('small'))).toEqual(outcome('small'));
    const packed = await outcomes.pack(outcome('é'.repeat(200_000)));
    expect(packed).toHaveProperty('blob');
    const large = { ok: true, type: 'text', response: { text: 'x', finishReason: 'stop' } } as const;
    const ref = await blob.put(bytes(large));
    expect(await outcomes.read({ blob: ref })).toEqual(large);
  });

  it('replaces lone surrogates, which a database would refuse', async () => {
    const packed = await blobOutcomes(memoryBlob()).pack(outcome('a\ud800b \\ud800'));
    expect(packed).toEqual(outcome('a\ufffdb \\ud800'));
  });
});
