import type { EchoReply, Failure, ListedModel, Reply, TextReply, TokenizerInfo } from '../ports.ts';
import type { Usage } from '@assay/lib/domain';
import type { HttpAnswer, HttpReply } from './http-client.ts';

type Json = Readonly<Record<string, unknown>>;

/** The JSON object of a good answer, or what went wrong. */
export function objectOf(reply: HttpReply): Reply<Json> {
  if (!reply.ok) return reply;
  if (reply.status !== 200) return failureOf(reply);
  let value: unknown;
  try {
    value = JSON.parse(reply.body.toString('utf8'));
  } catch {
    return invalid(`the answer is not JSON: ${excerpt(reply.body)}`);
  }
  return isObject(value)
    ? { ok: true, value }
    : invalid(`the answer is no JSON object: ${excerpt(reply.body)}`);
}

/** The first choice of a completion. */
export function completionOf(body: Json): Reply<TextReply> {
  const choice = firstChoice(body);
  const text = choice?.['text'];
  if (choice === null || typeof text !== 'string') return invalid('the answer has no choices[0].text');
  return { ok: true, value: { text, finishReason: finishOf(choice), usage: usageOf(body) } };
}

/** The first choice of a chat. Content that is null is the empty answer. */
export function chatOf(body: Json): Reply<TextReply> {
  const choice = firstChoice(body);
  const message = choice?.['message'];
  if (choice === null || !isObject(message)) return invalid('the answer has no choices[0].message');
  const content = message['content'] ?? '';
  if (typeof content !== 'string') return invalid('choices[0].message.content is not text');
  return { ok: true, value: { text: content, finishReason: finishOf(choice), usage: usageOf(body) } };
}

/** The legacy `logprobs` object of a completion with `echo`. */
export function echoOf(body: Json): Reply<EchoReply> {
  const logprobs = firstChoice(body)?.['logprobs'];
  if (!isObject(logprobs)) return invalid('the answer has no choices[0].logprobs');
  const { tokens, token_logprobs: numbers, top_logprobs: tops } = logprobs;
  if (!isTexts(tokens)) return invalid('logprobs.tokens is not a list of texts');
  if (!Array.isArray(numbers) || !Array.isArray(tops)) {
    return invalid('logprobs.token_logprobs or logprobs.top_logprobs is not a list');
  }
  if (numbers.length !== tokens.length || tops.length !== tokens.length) {
    const lengths = [tokens.length, numbers.length, tops.length].join(', ');
    return invalid(`logprobs.tokens, token_logprobs and top_logprobs differ in length: ${lengths}`);
  }
  const usage = usageOf(body);
  return { ok: true, value: { tokens, logprobs: numbers.map(numberOf), best: tops.map(bestOf), usage } };
}

export function modelsOf(body: Json): Reply<readonly ListedModel[]> {
  const { data } = body;
  if (!Array.isArray(data)) return invalid('the model list has no "data"');
  const listed = data
    .filter(isObject)
    .flatMap(({ id, max_model_len: length }) =>
      typeof id === 'string' ? [{ id, contextLength: tokensOf(length) }] : [],
    );
  return { ok: true, value: listed };
}

export function tokenizerInfoOf(body: Json): Reply<TokenizerInfo> {
  if ('error' in body) return invalid(`the tokenizer is not told: ${JSON.stringify(body).slice(0, 200)}`);
  const { bos_token: bos, eos_token: eos, model_max_length: length } = body;
  const prefixToken = [bos, eos].find((token): token is string => typeof token === 'string' && token !== '');
  return { ok: true, value: { prefixToken: prefixToken ?? null, contextLength: tokensOf(length) } };
}

export function tokenIdsOf(body: Json): Reply<readonly number[]> {
  const { tokens } = body;
  const ids: unknown[] = Array.isArray(tokens) ? tokens : [null];
  return ids.every((id): id is number => typeof id === 'number')
    ? { ok: true, value: ids }
    : invalid('the answer of /tokenize has no "tokens"');
}

const TOO_LONG =
  /context.{0,20}(length|size|window)|maximum.{0,30}tokens|too (long|many tokens)|max_model_len/i;

function failureOf({ status, body, retryAfterMs }: HttpAnswer): Failure {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { ok: false, kind: kindOf(status, body), status, detail: messageOf(body), ...wait };
}

function kindOf(status: number, body: Buffer): Failure['kind'] {
  if (status === 429) return 'limited';
  if (status === 503) return 'overloaded';
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 408) return 'timed-out';
  if (status === 400 || status === 413 || status === 422) {
    return TOO_LONG.test(body.toString('utf8').slice(0, 4_096)) ? 'too-long' : 'refused';
  }
  // 501: the server will never do that. Everything under 500 is about the request.
  return status < 500 || status === 501 ? 'refused' : 'server-error';
}

function messageOf(body: Buffer): string {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const error = isObject(value) ? (value['error'] ?? value['detail'] ?? value['message']) : undefined;
    const message = isObject(error) ? error['message'] : error;
    if (typeof message === 'string') return message.slice(0, 500);
  } catch {
    // Not JSON: the body itself is all there is.
  }
  return excerpt(body);
}

function excerpt(body: Buffer): string {
  return JSON.stringify(body.toString('utf8', 0, 200));
}

function firstChoice(body: Json): Json | null {
  const { choices } = body;
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  return isObject(first) ? first : null;
}

function finishOf(choice: Json): string {
  const { finish_reason: reason } = choice;
  return typeof reason === 'string' ? reason : '';
}

function usageOf(body: Json): Usage {
  const usage = isObject(body['usage']) ? body['usage'] : {};
  return {
    promptTokens: tokensOf(usage['prompt_tokens']),
    completionTokens: tokensOf(usage['completion_tokens']),
  };
}

// Some tokenizers say 10^30 for "no limit".
function tokensOf(value: unknown): number {
  return typeof value === 'number' && value > 0 && value < 1e9 ? Math.floor(value) : 0;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function bestOf(top: unknown): number | null {
  if (!isObject(top)) return null;
  let best: number | null = null;
  for (const value of Object.values(top)) {
    if (typeof value === 'number' && (best === null || value > best)) best = value;
  }
  return best;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(detail: string): Failure {
  return { ok: false, kind: 'invalid', status: 200, detail };
}
