import type { ChoiceResponse, PreparedDoc } from '@assay/lib/domain';
import { codePointLength } from '../pylang/index.ts';

/**
 * The metrics of one multiple-choice document, by the rules of lm-evaluation-harness 0.4.13: `acc` takes the choice of
 * the highest log-probability, `acc_norm` that of the highest log-probability per character (code point) of the choice,
 * `exact_match` asks whether an accepted choice was the greedy answer. The first of equals wins.
 */
export function scoreChoices(
  doc: PreparedDoc,
  responses: readonly ChoiceResponse[],
): Readonly<Record<string, number>> {
  const choices = doc.choices ?? [];
  const logprobs = responses.map(([logprob]) => logprob);
  const perCharacter = logprobs.map((logprob, at) => logprob / codePointLength(choices[at] ?? ''));
  const right = (choice: number): number => (doc.gold.includes(choice) ? 1 : 0);
  const greedy = doc.gold.some((gold) => responses.at(Number(gold))?.[1] === true && gold !== OUT_OF_RANGE);
  return { acc: right(argmax(logprobs)), acc_norm: right(argmax(perCharacter)), exact_match: greedy ? 1 : 0 };
}

const OUT_OF_RANGE = -100;

/** NumPy's argmax: the first of equals; a NaN comes before every number. */
export function argmax(values: readonly number[]): number {
  const nan = values.findIndex((value) => Number.isNaN(value));
  if (nan !== -1) return nan;
  let best = 0;
  for (const [at, value] of values.entries()) if (value > (values[best] ?? -Infinity)) best = at;
  return best;
}
