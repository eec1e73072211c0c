import { randomInt, randomUUID } from 'node:crypto';
import { complete } from './completion.ts';
import type { Answer, Ask } from './completion.ts';
import type { Engine } from './engine.ts';
import { piecesOf } from './pieces.ts';
import type { Sampling, Vocabulary } from './port.ts';
import { RequestError } from './requests.ts';
import type { ChatRequest, CompletionRequest, Message } from './requests.ts';

/** What is served. */
export interface Served {
  readonly modelId: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  readonly vocabulary: Vocabulary;
  readonly engine: Engine;
  readonly chatTemplate: string;
  /** The model's own chat template, filled in. */
  readonly renderChat: (messages: readonly Message[], addGenerationPrompt: boolean) => string;
}

// As the OpenAI API.
const DEFAULT_COMPLETION_TOKENS = 16;
// Sampling from the whole vocabulary sorts it for every token, at the price of half the speed. `top_k: -1` asks for it.
const DEFAULT_TOP_K = 1024;

export async function answerCompletion(
  served: Served,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<object> {
  const prompts = promptsOf(request.prompt).map((prompt, index) =>
    tokensOf(served, prompt, index, request.add_special_tokens ?? true),
  );
  const logprobs = request.logprobs ?? null;
  const sampling = samplingOf(request);
  if (logprobs !== null && sampling.temperature > 0)
    throw new RequestError(400, 'logprobs: given for temperature 0 only', { param: 'logprobs' });
  const maxTokens = request.max_tokens ?? DEFAULT_COMPLETION_TOKENS;
  for (const prompt of prompts) checkLength(served, prompt.length, maxTokens);
  const echo = request.echo ?? false;
  const choices: object[] = [];
  const answers: Answer[] = [];
  for (const [index, prompt] of prompts.entries()) {
    const ask: Ask = { prompt, maxTokens, sampling, stops: stopsOf(request.stop), logprobs, echo };
    const answer = await complete(served.engine, served.vocabulary, ask, signal);
    answers.push(answer);
    choices.push({
      index,
      text: (echo ? served.vocabulary.detokenize(prompt, true) : '') + answer.text,
      logprobs: logprobs === null ? null : logprobsOf(served.vocabulary, ask, answer),
      finish_reason: answer.finish,
    });
  }
  return {
    ...headOf(served, 'cmpl', 'text_completion'),
    choices,
    usage: usageOf(prompts.flat().length, answers),
  };
}

export async function answerChat(served: Served, request: ChatRequest, signal: AbortSignal): Promise<object> {
  const prompt = served.vocabulary.tokenize(served.renderChat(request.messages, true));
  const asked = request.max_completion_tokens ?? request.max_tokens;
  const maxTokens = asked ?? Math.max(1, served.contextLength - prompt.length);
  checkLength(served, prompt.length, maxTokens);
  const sampling = samplingOf(request);
  const ask: Ask = {
    prompt,
    maxTokens,
    sampling,
    stops: stopsOf(request.stop),
    logprobs: null,
    echo: false,
  };
  const answer = await complete(served.engine, served.vocabulary, ask, signal);
  return {
    ...headOf(served, 'chatcmpl', 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: answer.text },
        logprobs: null,
        finish_reason: answer.finish,
      },
    ],
    usage: usageOf(prompt.length, [answer]),
  };
}

type Prompt = string | readonly number[];

function promptsOf(prompt: CompletionRequest['prompt']): readonly Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  const [first] = prompt;
  return typeof first === 'number'
    ? [prompt.filter((token) => typeof token === 'number')]
    : prompt.filter(isPrompt);
}

function isPrompt(item: number | string | number[]): item is string | number[] {
  return typeof item !== 'number';
}

function tokensOf(served: Served, prompt: Prompt, index: number, special: boolean): readonly number[] {
  const { vocabulary } = served;
  const param = `prompt.${index}`;
  if (typeof prompt !== 'string') {
    const wrong = prompt.find((token) => token >= vocabulary.size);
    if (wrong === undefined) return prompt;
    throw new RequestError(400, `${param}: token ${wrong} is not below ${vocabulary.size}`, { param });
  }
  const bos = special && vocabulary.prependsBos && vocabulary.bos !== null ? vocabulary.bos : '';
  const tokens = vocabulary.tokenize(bos + prompt);
  if (tokens.length === 0) throw new RequestError(400, `${param}: is empty`, { param });
  return tokens;
}

function checkLength(served: Served, promptTokens: number, maxTokens: number): void {
  if (promptTokens + maxTokens <= served.contextLength) return;
  const message =
    `This model's maximum context length is ${served.contextLength} tokens. However, you requested ` +
    `${promptTokens + maxTokens} tokens (${promptTokens} in the prompt, ${maxTokens} for the completion).`;
  throw new RequestError(400, message, { param: 'prompt', code: 'context_length_exceeded' });
}

function samplingOf(request: CompletionRequest | ChatRequest): Sampling {
  return {
    temperature: request.temperature ?? 1,
    topP: request.top_p ?? 1,
    topK: Math.max(0, request.top_k ?? DEFAULT_TOP_K),
    minP: request.min_p ?? 0,
    seed: request.seed ?? randomInt(2 ** 31),
  };
}

function stopsOf(stop: string | readonly string[] | null | undefined): readonly string[] {
  if (stop === null || stop === undefined) return [];
  return typeof stop === 'string' ? [stop] : stop;
}

// The legacy shape: for each token its text, its log-probability, the likeliest by text (the token itself among them) and
// where it begins.
function logprobsOf(vocabulary: Vocabulary, ask: Ask, answer: Answer): object {
  const tokens = ask.echo ? [...ask.prompt, ...answer.tokens] : answer.tokens;
  const pieces = piecesOf(vocabulary, tokens);
  return {
    tokens: pieces.map((piece) => piece.text),
    token_logprobs: answer.scores.map((score) => score?.logprob ?? null),
    top_logprobs: answer.scores.map((score) => {
      if (score === null) return null;
      const top = score.top.slice(0, ask.logprobs ?? 0);
      const byText = new Map<string, number>();
      for (const [token, logprob] of [...top, [score.token, score.logprob] as const]) {
        const text = vocabulary.detokenize([token], true);
        byText.set(text, Math.max(logprob, byText.get(text) ?? -Infinity));
      }
      return Object.fromEntries(byText);
    }),
    text_offset: pieces.map((piece) => piece.offset),
  };
}

function headOf(served: Served, prefix: string, object: string): object {
  return {
    id: `${prefix}-${randomUUID()}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: served.modelId,
  };
}

function usageOf(promptTokens: number, answers: readonly Answer[]): object {
  const completion = answers.reduce((sum, answer) => sum + answer.tokens.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
  };
}
