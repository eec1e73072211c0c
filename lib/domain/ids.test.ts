import { describe, expect, it } from 'vitest';
import { BUCKET_DOCS, bucketOf, isBlobRef } from './ids.ts';

describe('bucketOf', () => {
  it('starts a new bucket with every 10,000th document', () => {
    expect([0, BUCKET_DOCS - 1, BUCKET_DOCS, 2 * BUCKET_DOCS].map(bucketOf)).toEqual([0, 0, 1, 2]);
  });
});

describe('isBlobRef', () => {
  it('accepts a full lower-case SHA-256 and nothing else', () => {
    expect(isBlobRef(`sha256:${'a'.repeat(64)}`)).toBe(true);
    expect(isBlobRef(`sha256:${'A'.repeat(64)}`)).toBe(false);
    expect(isBlobRef(`sha256:${'a'.repeat(63)}`)).toBe(false);
    expect(isBlobRef('a'.repeat(64))).toBe(false);
    expect(isBlobRef(7)).toBe(false);
  });
});
