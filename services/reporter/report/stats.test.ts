import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deviations, interval, normal, OrderedMean, passAtK, stderrOfSums, wilson } from './stats.ts';

function meanAndStderr(values: readonly number[]): [number, number | null] {
  const mean = new OrderedMean();
  for (const value of values) mean.add(value);
  const deviations = new Deviations(mean.value);
  for (const value of values) deviations.add(value);
  return [mean.value, deviations.stderr];
}

// Expected numbers: CPython 3.11 and NumPy 2.4 with the formulas of lm-evaluation-harness' metrics.py.
describe('mean and standard error', () => {
  it('equal those of Python to the last digit on fractions', () => {
    const values = Array.from({ length: 500 }, (_, i) => ((i * 7919) % 1000) / 1000);
    expect(meanAndStderr(values)).toEqual([0.5005000000000001, 0.012942237171602599]);
  });
  it('equal those of Python to the last digit on 1,319 right and wrong answers', () => {
    const values = Array.from({ length: 1319 }, (_, i) => ((i * i) % 7 < 3 ? 1 : 0));
    expect(meanAndStderr(values)).toEqual([0.714177407126611, 0.012444963460615629]);
  });
  it('have no standard error for a single value, and no mean for none', () => {
    expect(meanAndStderr([0.25])).toEqual([0.25, null]);
    expect(meanAndStderr([])).toEqual([NaN, null]);
  });
  it('agree with the running sums of the live view', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2 }), (values) => {
        const [, exact] = meanAndStderr(values);
        const sums = values.reduce(
          (s, x) => ({ n: s.n + 1, sum: s.sum + x, sumSquares: s.sumSquares + x * x }),
          { n: 0, sum: 0, sumSquares: 0 },
        );
        expect(stderrOfSums(sums)).toBeCloseTo(exact ?? NaN, 6);
      }),
    );
  });
});

describe('wilson', () => {
  it.each([
    [0, 20, 0, 0.16112515805281938],
    [1, 20, 0.8388748419471806, 1],
    [0.5, 164, 0.424357047388029, 0.5756429526119711],
    [0.8125, 16, 0.5699111903802586, 0.9340840092857187],
    [813 / 1319, 1319, 0.5898317726705348, 0.6422444129924764],
  ])('of %f over %i trials equals the published formula', (proportion, n, low, high) => {
    const found = wilson(proportion, n);
    expect(found?.low).toBeCloseTo(low, 14);
    expect(found?.high).toBeCloseTo(high, 14);
  });
  it('contains the proportion and stays within 0 and 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, share) => {
          const proportion = Math.round(share * n) / n;
          const found = wilson(proportion, n);
          expect(found?.low).toBeGreaterThanOrEqual(0);
          expect(found?.high).toBeLessThanOrEqual(1);
          expect(found?.low).toBeLessThanOrEqual(proportion + 1e-12);
          expect(found?.high).toBeGreaterThanOrEqual(proportion - 1e-12);
        },
      ),
    );
  });
});

describe('interval', () => {
  it('is Wilson for right and wrong answers', () => {
    expect(interval({ mean: 0.5, stderr: 0.1, n: 164, binary: true, proportion: false })).toEqual(
      wilson(0.5, 164),
    );
  });
  it('is normal otherwise, cut at 0 and 1 for proportions only', () => {
    const facts = { mean: 0.95, stderr: 0.1, n: 10, binary: false };
    expect(interval({ ...facts, proportion: false })).toEqual(normal(0.95, 0.1));
    expect(interval({ ...facts, proportion: true })?.high).toBe(1);
  });
  it('is absent where there is no standard error', () => {
    expect(interval({ mean: 0.5, stderr: null, n: 1, binary: false, proportion: false })).toBeNull();
  });
});

describe('passAtK', () => {
  it.each([
    [10, 3, 1, 0.30000000000000004],
    [10, 3, 5, 0.9166666666666666],
    [20, 1, 10, 0.5],
    [200, 13, 100, 0.9999194971988055],
    [5, 5, 5, 1],
    [5, 0, 3, 0],
    [164, 82, 7, 0.9931629566626572],
    [16, 5, 8, 0.9871794871794872],
  ])('n=%i c=%i k=%i equals the reference estimator to the last digit', (n, c, k, expected) => {
    expect(passAtK(n, c, k)).toBe(expected);
  });
  it('is not defined for fewer than k scored samples', () => {
    expect(passAtK(2, 1, 3)).toBeNull();
  });
  it('is the share of k-subsets that hold a passing sample', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(9), fc.integer({ min: 1, max: 9 }), (n, c, k) => {
        fc.pre(c <= n && k <= n);
        let hits = 0;
        let all = 0;
        for (let subset = 0; subset < 1 << n; subset += 1) {
          if (subset.toString(2).replaceAll('0', '').length !== k) continue;
          all += 1;
          if ((subset & ((1 << c) - 1)) !== 0) hits += 1;
        }
        expect(passAtK(n, c, k)).toBeCloseTo(hits / all, 12);
      }),
    );
  });
});
