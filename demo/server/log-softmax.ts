import type { Logits } from './port.ts';

/** What one position predicts, reduced from the whole vocabulary. */
export interface Prediction {
  /** Log of the sum of the exponentials of all logits: what turns a logit into a log-probability. */
  readonly normaliser: number;
  /** The likeliest tokens with their log-probabilities, likeliest first; among equals the smaller token id. */
  readonly top: readonly (readonly [token: number, logprob: number])[];
}

/**
 * Log-softmax in double precision over the whole vocabulary. (The sum that llama.cpp itself offers is of single precision,
 * added up in order: its error reaches 2e-4.)
 */
export function predict(logits: Logits, topCount: number): Prediction {
  const normaliser = logSumExp(logits);
  const top = topOf(logits, Math.max(1, topCount)).map(
    ([token, logit]) => [token, logit - normaliser] as const,
  );
  return { normaliser, top };
}

export function logprobOf(logits: Logits, token: number, normaliser: number): number {
  return (logits.get(token) ?? -Infinity) - normaliser;
}

function logSumExp(logits: Logits): number {
  let max = -Infinity;
  for (const logit of logits.values()) if (logit > max) max = logit;
  let sum = 0;
  for (const logit of logits.values()) sum += Math.exp(logit - max);
  return max + Math.log(sum);
}

function topOf(logits: Logits, count: number): (readonly [number, number])[] {
  const best: (readonly [number, number])[] = [];
  for (const entry of logits) {
    const last = best.at(-1);
    if (best.length >= count && last !== undefined && !before(entry, last)) continue;
    const place = best.findIndex((other) => before(entry, other));
    best.splice(place === -1 ? best.length : place, 0, entry);
    if (best.length > count) best.pop();
  }
  return best;
}

function before(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[1] > b[1] || (a[1] === b[1] && a[0] < b[0]);
}
