import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logprobOf, predict } from './log-softmax.ts';

const logits = fc
  .array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 60 })
  .map((values) => new Map(values.map((value, token) => [token, value])));

describe('log-softmax', () => {
  it('gives probabilities that add up to one', () => {
    fc.assert(
      fc.property(logits, (map) => {
        const { normaliser } = predict(map, 1);
        const sum = [...map.keys()].reduce(
          (all, token) => all + Math.exp(logprobOf(map, token, normaliser)),
          0,
        );
        expect(sum).toBeCloseTo(1, 9);
      }),
    );
  });

  it('lists the likeliest tokens, smaller ids first among equals, with the very numbers of the tokens themselves', () => {
    fc.assert(
      fc.property(logits, fc.integer({ min: 1, max: 8 }), (map, count) => {
        const { normaliser, top } = predict(map, count);
        const sorted = [...map].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, count);
        expect(top).toEqual(sorted.map(([token]) => [token, logprobOf(map, token, normaliser)]));
      }),
    );
  });
});
