import { logprobOf, predict } from './log-softmax.ts';
import type { Prediction } from './log-softmax.ts';
import type { Sampling, Sequence } from './port.ts';

// Prompts are read in pieces, so that a client that left is noticed within a piece's time.
const READ_TOKENS = 128;
// Logits of the whole vocabulary are held for one piece at a time: about 2 MiB for each token.
const SCORE_TOKENS = 16;

/** A token with how likely it was, given all before it. */
export interface ScoredToken {
  readonly token: number;
  readonly logprob: number;
  readonly top: Prediction['top'];
}

export interface PromptScores {
  /** One for each token but the first, which nothing predicts. */
  readonly tokens: readonly ScoredToken[];
  /** What follows the prompt. */
  readonly next: ScoredToken;
}

export interface Engine {
  /** Log-probability of each prompt token, with the `topCount` likeliest in its place. */
  score(prompt: readonly number[], topCount: number, signal: AbortSignal): Promise<PromptScores>;
  /** Endless: the caller stops it. Token after token, drawn from the model. */
  sample(prompt: readonly number[], sampling: Sampling, signal: AbortSignal): AsyncGenerator<number, never>;
  /** Endless: the caller stops it. The likeliest token after token, with log-probabilities. */
  likeliest(
    prompt: readonly number[],
    topCount: number,
    signal: AbortSignal,
    first?: ScoredToken,
  ): AsyncGenerator<ScoredToken, never>;
}

/**
 * `reuse`: keep the state of a prompt's beginning that it shares with the prompt before. Only where `readsTheSame` found
 * that this machine computes a token's numbers independently of the tokens it is read together with.
 */
export function createEngine(sequence: Sequence, reuse: boolean): Engine {
  let held: number[] = [];
  // For position i, what was found out about token i + 1.
  let known: (ScoredToken | undefined)[] = [];

  async function rewind(length: number): Promise<void> {
    await sequence.rewind(length);
    held = held.slice(0, length);
    known = known.slice(0, length);
  }

  async function read(tokens: readonly number[], signal: AbortSignal): Promise<void> {
    for (let start = 0; start < tokens.length; start += READ_TOKENS) {
      signal.throwIfAborted();
      const piece = tokens.slice(start, start + READ_TOKENS);
      await sequence.read(piece);
      held.push(...piece);
    }
  }

  // Reads all but the last token of a prompt.
  async function prepare(prompt: readonly number[], signal: AbortSignal): Promise<number> {
    const last = prompt.at(-1);
    if (last === undefined) throw new RangeError('a prompt has at least one token');
    const kept = reuse ? Math.min(shared(held, prompt), prompt.length - 1) : 0;
    await rewind(kept);
    await read(prompt.slice(kept, -1), signal);
    return last;
  }

  async function predictAfter(token: number, topCount: number): Promise<ScoredToken> {
    const [logits] = await sequence.logits([token], 0);
    held.push(token);
    if (logits === undefined) throw new Error('the model gave no logits');
    return likeliestOf(predict(logits, topCount));
  }

  return {
    async score(prompt, topCount, signal) {
      const kept = reuse ? alreadyScored(held, known, prompt, topCount) : 0;
      await rewind(kept);
      const found = known.slice();
      let next: ScoredToken | undefined;
      for (let start = kept; start < prompt.length; start += SCORE_TOKENS) {
        signal.throwIfAborted();
        const piece = prompt.slice(start, start + SCORE_TOKENS);
        for (const [offset, logits] of (await sequence.logits(piece, 0)).entries()) {
          const prediction = predict(logits, topCount);
          const token = prompt[start + offset + 1];
          if (token === undefined) next = likeliestOf(prediction);
          else
            found.push({
              token,
              logprob: logprobOf(logits, token, prediction.normaliser),
              top: prediction.top,
            });
        }
        held.push(...piece);
        known = found.slice();
      }
      if (next === undefined) throw new Error('the model gave no logits');
      return { tokens: found.filter((token) => token !== undefined), next };
    },

    async *sample(prompt, sampling, signal) {
      let token = await prepare(prompt, signal);
      for (let step = 0; ; step += 1) {
        signal.throwIfAborted();
        const drawn = await sequence.draw([token], { ...sampling, seed: stepSeed(sampling.seed, step) });
        held.push(token);
        token = drawn;
        yield token;
      }
    },

    async *likeliest(prompt, topCount, signal, first) {
      let scored = first ?? (await predictAfter(await prepare(prompt, signal), topCount));
      for (;;) {
        yield scored;
        signal.throwIfAborted();
        scored = await predictAfter(scored.token, topCount);
      }
    },
  };
}

/**
 * Whether this machine's arithmetic gives a token the same numbers, to the last bit, whatever it is read together with.
 * It does on x86-64 without flash attention; kernels that differ between one row and many would change them by up to 0.3.
 */
export async function readsTheSame(sequence: Sequence, tokens: readonly number[]): Promise<boolean> {
  const middle = Math.floor(tokens.length / 2);
  await sequence.rewind(0);
  const [whole] = await sequence.logits(tokens, tokens.length - 1);
  await sequence.rewind(0);
  await sequence.read(tokens.slice(0, middle));
  await sequence.read(tokens.slice(middle, -1));
  const [alone] = await sequence.logits(tokens.slice(-1), 0);
  await sequence.rewind(0);
  if (whole === undefined || alone === undefined) return false;
  for (const [token, logit] of whole) if (alone.get(token) !== logit) return false;
  return true;
}

function likeliestOf(prediction: Prediction): ScoredToken {
  const [first] = prediction.top;
  if (first === undefined) throw new Error('the vocabulary is empty');
  return { token: first[0], logprob: first[1], top: prediction.top };
}

function shared(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}

// How many leading positions need no reading: held, and their next token scored with enough alternatives. The last position
// is always read, for what follows the prompt.
function alreadyScored(
  held: readonly number[],
  known: readonly (ScoredToken | undefined)[],
  prompt: readonly number[],
  topCount: number,
): number {
  const limit = Math.min(shared(held, prompt), prompt.length - 1);
  for (let position = 0; position < limit; position += 1) {
    const found = known[position];
    if (found === undefined || found.token !== prompt[position + 1] || found.top.length < topCount)
      return position;
  }
  return limit;
}

// llama.cpp starts its generator anew for each token: every step needs a seed of its own. (The finaliser of MurmurHash3.)
function stepSeed(seed: number, step: number): number {
  let hash = Math.imul(seed ^ Math.imul(step + 1, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
