import { describe, expect, it } from 'vitest';
import { quantity } from './quantity.ts';

describe('quantity', () => {
  it.each([
    ['0', 0],
    ['4', 4],
    [4, 4],
    ['100m', 0.1],
    ['1.5', 1.5],
    ['64Gi', 64 * 2 ** 30],
    ['128974848', 128974848],
    ['129e6', 129e6],
    ['129M', 129e6],
    ['2E', 2e18],
    ['1Ki', 1024],
  ])('reads %s', (text, value) => {
    expect(quantity(text)).toBeCloseTo(value, 9);
  });

  it.each(['', 'x', '1 Gi', '1gi', 'Gi'])('is NaN for "%s"', (text) => {
    expect(quantity(text)).toBeNaN();
  });
});
