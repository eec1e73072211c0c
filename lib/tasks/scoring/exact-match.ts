import type { MetricSpec } from '@assay/lib/domain';
import { codePointLength, compilePythonRegex } from '../pylang/index.ts';
import type { Filtered } from './filters.ts';

export type ExactMatch = (filtered: Filtered, gold: readonly string[]) => number;

/**
 * `exact_match` of lm-evaluation-harness 0.4.13: on both sides patterns are removed, then letters are lowered, then
 * ASCII punctuation and digits are dropped; one equal accepted answer is enough. Of a list of responses it is the share
 * that is right.
 */
export function compileExactMatch(args: MetricSpec['args']): ExactMatch {
  const normalise = normaliser(args);
  return (filtered, gold) => {
    const responses = normalise(textsOf(filtered));
    const share = (answer: string): number =>
      responses.filter((text) => text === answer).length / responses.length;
    if (responses.length === 0) return 0;
    const shares = normalise(gold).map(share);
    if (shares.length === 1) return shares[0] ?? 0;
    return shares.some((one) => one > 0) ? 1 : 0;
  };
}

function textsOf(filtered: Filtered): string[] {
  return typeof filtered === 'string' ? [filtered] : filtered.flatMap(textsOf);
}

function normaliser(args: MetricSpec['args']): (texts: readonly string[]) => readonly string[] {
  const list = args['regexes_to_ignore'];
  const patterns = Array.isArray(list) ? list.map((pattern) => compilePythonRegex(String(pattern))) : [];
  const lower = truthy(args['ignore_case']);
  const drop = dropped(truthy(args['ignore_punctuation']), truthy(args['ignore_numbers']));
  return (texts) => {
    let rest = texts.map((text) => patterns.reduce((left, pattern) => pattern.sub('', left), text));
    if (lower) rest = lowerAll(rest);
    if (drop !== null) rest = rest.map((text) => text.replace(drop, ''));
    // NumPy, which the reference compares with, does not keep NULs at the end of a text.
    // oxlint-disable-next-line no-control-regex -- exactly the NUL is meant
    return rest.map((text) => text.replace(/\0+$/, ''));
  };
}

// İ is the one character that grows when it is lowered; NumPy's texts do not grow beyond the longest of their array.
function lowerAll(texts: readonly string[]): string[] {
  const lowered = texts.map((text) => text.toLowerCase());
  if (!texts.some((text) => text.includes('İ'))) return lowered;
  const width = Math.max(...texts.map(codePointLength));
  return lowered.map((text) => Array.from(text).slice(0, width).join(''));
}

function dropped(punctuation: boolean, digits: boolean): RegExp | null {
  const marks = '!-\\/:-@\\[-`{-~';
  if (punctuation) return digits ? new RegExp(`[${marks}0-9]`, 'g') : new RegExp(`[${marks}]`, 'g');
  return digits ? /[0-9]/g : null;
}

/** Python's truth of a plain JSON value: 45 catalogue tasks give a text where true is meant. */
function truthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value !== null && typeof value === 'object') return Object.keys(value).length > 0;
  return Boolean(value);
}
