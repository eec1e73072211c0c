import type { LogprobsMode } from './behaviour.ts';
import { decodeToken } from './tokens.ts';

/** The legacy `logprobs` object of the completions API. */
export interface Logprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  readonly text_offset: readonly number[];
}

/**
 * Log-probabilities of a sequence, by its content alone: what followed the same two tokens before is near certain, as
 * a language model would have it; everything else is a hash of all that came before and the token itself.
 */
export function logprobsOf(ids: readonly number[], mode: LogprobsMode): Logprobs | null {
  if (mode === 'missing') return null;
  const right = score(ids);
  const numbers = right.map((_entry, i) => pick(right, ids, i, mode));
  const tokens = ids.map((id) => (mode === 'other-text' ? `${decodeToken(id)}?` : decodeToken(id)));
  let offset = 0;
  const offsets = tokens.map((text) => (offset += text.length) - text.length);
  const cut = mode === 'short' ? -2 : undefined;
  return {
    tokens: tokens.slice(0, cut),
    token_logprobs: numbers.map((entry) => entry?.logprob ?? null).slice(0, cut),
    top_logprobs: numbers.map((entry) => entry?.top ?? null).slice(0, cut),
    text_offset: offsets.slice(0, cut),
  };
}

interface Scored {
  readonly logprob: number;
  readonly top: Readonly<Record<string, number>>;
}

function score(ids: readonly number[]): (Scored | null)[] {
  const followed = new Map<number, number>();
  let history = 0x811c9dc5;
  return ids.map((id, i) => {
    const [first, second] = [ids[i - 2] ?? 0, ids[i - 1] ?? 0];
    const pair = first * 2 ** 22 + second;
    const expected = followed.get(pair);
    followed.set(pair, id);
    const scored = i === 0 ? null : scoreOne(id, expected, history);
    history = Math.imul(history ^ id, 0x01000193);
    return scored;
  });
}

const LIKELY = -0.03;

function scoreOne(id: number, expected: number | undefined, history: number): Scored {
  const chance = mix(history ^ Math.imul(id, 0x9e3779b1)) / 2 ** 32;
  const own = decodeToken(id);
  if (expected === id) return { logprob: LIKELY, top: { [own]: LIKELY } };
  if (expected !== undefined) {
    return { logprob: -7 - 3 * chance, top: { [decodeToken(expected)]: LIKELY } };
  }
  if (chance < 0.4) {
    const logprob = -0.1 - chance;
    return { logprob, top: { [own]: logprob } };
  }
  return { logprob: -1 - 8 * chance, top: { [own === ' x' ? ' y' : ' x']: -0.7 } };
}

function pick(
  right: readonly (Scored | null)[],
  ids: readonly number[],
  i: number,
  mode: LogprobsMode,
): Scored | null {
  switch (mode) {
    case 'partial':
      return i === ids.length - 1 ? (right[i] ?? null) : null;
    case 'shifted-left':
      return right[i + 1] ?? right[i] ?? null;
    case 'shifted-right':
      return i === 0 ? null : (right[i - 1] ?? { logprob: -5, top: { ' x': -0.7 } });
    case 'after': {
      const next = right[i + 1];
      if (i === 0) return null;
      if (next === undefined || next === null) return right[i] ?? null;
      return ids[i] === ids[i + 1] ? next : { logprob: -9, top: next.top };
    }
    default:
      return right[i] ?? null;
  }
}

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
