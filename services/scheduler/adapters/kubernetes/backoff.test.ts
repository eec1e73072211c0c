import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

const of = (failures: number, random: number) =>
  backoffMs(failures, { firstMs: 500, mostMs: 30_000, random: () => random });

describe('backoffMs', () => {
  it('doubles up to the most and is never nothing', () => {
    expect([1, 2, 3, 7, 8, 1_000].map((failures) => of(failures, 1))).toEqual([
      500, 1_000, 2_000, 30_000, 30_000, 30_000,
    ]);
    expect(of(1, 0)).toBe(50);
    expect(of(5, 0.5)).toBe(4_000);
  });
});
