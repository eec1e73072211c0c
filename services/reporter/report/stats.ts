/** Two-sided 95 % quantile of the standard normal distribution. */
export const Z95 = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Mean as lm-evaluation-harness computes it: a plain sum from left to right, divided by the count (CPython before 3.12;
 * later versions compensate the sum, which can change the last digit).
 */
export class OrderedMean {
  #sum = 0;
  #n = 0;
  #binary = true;

  add(value: number): void {
    this.#sum += value;
    this.#n += 1;
    if (value !== 0 && value !== 1) this.#binary = false;
  }

  get n(): number {
    return this.#n;
  }

  /** NaN without values. */
  get value(): number {
    return this.#sum / this.#n;
  }

  /** Whether all values were 0 or 1. */
  get binary(): boolean {
    return this.#binary;
  }
}

/** Sum of squared distances from a known mean, from left to right. */
export class Deviations {
  readonly #mean: number;
  #sum = 0;
  #n = 0;

  constructor(mean: number) {
    this.#mean = mean;
  }

  add(value: number): void {
    const distance = value - this.#mean;
    this.#sum += distance * distance;
    this.#n += 1;
  }

  /** Standard error of the mean: the sample standard deviation (n − 1) over √n. Null for fewer than two values. */
  get stderr(): number | null {
    return this.#n < 2 ? null : Math.sqrt(this.#sum / (this.#n - 1)) / Math.sqrt(this.#n);
  }
}

/** Standard error from running sums; good to about eight digits, which is enough for a live view. */
export function stderrOfSums(sums: { n: number; sum: number; sumSquares: number }): number | null {
  if (sums.n < 2) return null;
  const spread = Math.max(0, sums.sumSquares - (sums.sum * sums.sum) / sums.n);
  return Math.sqrt(spread / (sums.n - 1)) / Math.sqrt(sums.n);
}

/** Wilson's score interval for a proportion (Wilson 1927), without continuity correction. Null without trials. */
export function wilson(proportion: number, n: number, z: number = Z95): Interval | null {
  if (n < 1) return null;
  const z2 = z * z;
  const center = (proportion + z2 / (2 * n)) / (1 + z2 / n);
  const half = (z / (1 + z2 / n)) * Math.sqrt((proportion * (1 - proportion)) / n + z2 / (4 * n * n));
  return { low: Math.max(0, center - half), high: Math.min(1, center + half) };
}

/** Normal interval, mean ± z · standard error. Null when the standard error is not defined. */
export function normal(mean: number, stderr: number | null, z: number = Z95): Interval | null {
  return stderr === null ? null : { low: mean - z * stderr, high: mean + z * stderr };
}

/** Wilson for values that are all 0 or 1, else normal; `proportion` keeps a normal interval within [0, 1]. */
export function interval(facts: {
  mean: number;
  stderr: number | null;
  n: number;
  binary: boolean;
  proportion: boolean;
}): Interval | null {
  if (facts.binary) return wilson(facts.mean, facts.n);
  const around = normal(facts.mean, facts.stderr);
  if (around === null || !facts.proportion) return around;
  return { low: Math.max(0, around.low), high: Math.min(1, around.high) };
}

/**
 * Unbiased estimate of pass@k from n samples of which c passed, 1 − C(n − c, k) / C(n, k), as the product of
 * Chen et al. 2021 (HumanEval). Null when fewer than k samples are scored.
 */
export function passAtK(n: number, c: number, k: number): number | null {
  if (n < k) return null;
  if (n - c < k) return 1;
  let miss = 1;
  for (let i = n - c + 1; i <= n; i += 1) miss *= 1 - k / i;
  return 1 - miss;
}
