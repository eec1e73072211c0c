import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { neededBytes, requireSpace, spaceFault } from './space.ts';

describe('neededBytes', () => {
  it('is what is missing of the list, or of what all is said to take, whichever is more', () => {
    expect(neededBytes({ missingBytes: 5, thereBytes: 2, leastBytes: 0 })).toBe(5);
    expect(neededBytes({ missingBytes: 5, thereBytes: 2, leastBytes: 10 })).toBe(8);
    expect(neededBytes({ missingBytes: 0, thereBytes: 20, leastBytes: 10 })).toBe(0);
  });
});

describe('requireSpace', () => {
  it('names needed and free bytes', async () => {
    await requireSpace(tmpdir(), 0);
    const most = Number.MAX_SAFE_INTEGER;
    await expect(requireSpace(tmpdir(), most)).rejects.toMatchObject({
      reason: 'WEIGHTS_NO_SPACE',
      permanent: true,
      message: expect.stringMatching(new RegExp(`^${most} bytes more are needed in .*, and \\d+ are free$`)),
    });
  });
});

describe('spaceFault', () => {
  it('tells a full disk from other faults', async () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(await spaceFault(full, tmpdir(), 7)).toMatchObject({ reason: 'WEIGHTS_NO_SPACE', cause: full });
    const other = new Error('other');
    expect(await spaceFault(other, tmpdir(), 7)).toBe(other);
  });
});
