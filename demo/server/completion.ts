import type { Engine, PromptScores, ScoredToken } from './engine.ts';
import { stopAt } from './pieces.ts';
import type { Sampling, Vocabulary } from './port.ts';

export interface Ask {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly stops: readonly string[];
  /** How many alternatives for each token; null: no log-probabilities. */
  readonly logprobs: number | null;
  /** Whether the prompt's own log-probabilities are asked for. */
  readonly echo: boolean;
}

export interface Answer {
  readonly text: string;
  readonly finish: 'stop' | 'length';
  /** Generated tokens, the one that ended the generation included. */
  readonly tokens: readonly number[];
  /** Of the prompt (its first token is null) when it was asked for, then of the generated tokens. */
  readonly scores: readonly (ScoredToken | null)[];
}

/** One prompt, answered. */
export async function complete(
  engine: Engine,
  vocabulary: Vocabulary,
  ask: Ask,
  signal: AbortSignal,
): Promise<Answer> {
  const prompt =
    ask.echo && ask.logprobs !== null ? await engine.score(ask.prompt, ask.logprobs, signal) : undefined;
  const tokens: number[] = [];
  const scores: (ScoredToken | null)[] = prompt === undefined ? [] : [null, ...prompt.tokens];
  let text = '';
  let finish: Answer['finish'] = 'length';
  if (ask.maxTokens > 0)
    for await (const step of stepsOf(engine, ask, prompt, signal)) {
      tokens.push(step.token);
      if (step.scored !== undefined) scores.push(step.scored);
      text = vocabulary.detokenize(tokens, false);
      const cut = stopAt(text, ask.stops);
      if (cut !== null) text = text.slice(0, cut);
      if (cut !== null || vocabulary.isEnd(step.token)) finish = 'stop';
      if (finish === 'stop' || tokens.length >= ask.maxTokens) break;
    }
  return { text, finish, tokens, scores };
}

async function* stepsOf(
  engine: Engine,
  ask: Ask,
  prompt: PromptScores | undefined,
  signal: AbortSignal,
): AsyncGenerator<{ token: number; scored?: ScoredToken }> {
  if (ask.logprobs === null) {
    for await (const token of engine.sample(ask.prompt, ask.sampling, signal)) yield { token };
  } else {
    for await (const scored of engine.likeliest(ask.prompt, ask.logprobs, signal, prompt?.next))
      yield { token: scored.token, scored };
  }
}
