import type { ChoiceResponse, ChoicesRequest, Usage } from '@assay/lib/domain';
import type { Control, EchoReply, Failure, ModelEndpoint, Reply } from '../../ports.ts';
import type { Profile } from '../profile.ts';
import { faulted, NO_USAGE, tooLong, type Asking, type Question, type Solved } from './solve.ts';
import { tokenStarts } from './token-starts.ts';

interface Scored {
  readonly response: ChoiceResponse;
  readonly usage: Usage;
  readonly truncatedTokens: number;
}

/**
 * Log-likelihoods of a document's continuations, one request for each, side by side. The arithmetic is that of
 * lm-evaluation-harness 0.4.13 `local-completions`: token ids where the server takes them, `echo` with one generated
 * token that is left out, the sum over the continuation's tokens, greedy when each of them is the likeliest.
 */
export async function solveChoices(question: Question<ChoicesRequest>, asking: Asking): Promise<Solved> {
  const { contexts, pairs } = question.request;
  const profile = await asking.profile();
  if (profile === null) return null;
  if (!profile.ok) return faulted(profile.fault);
  const byIds = await asking.tokenIds(profile.value);
  if (byIds === null) return null;
  if (!byIds.ok) return faulted(byIds.fault);
  const encoder = new ContextEncoder(contexts);
  const answers = await Promise.all(
    pairs.map(({ context, continuation }) =>
      asking.ask((endpoint, control) =>
        byIds.value
          ? scoreIds(
              endpoint,
              control,
              { encoder, context, continuation },
              profile.value,
              question.longPrompt,
            )
          : scoreText(endpoint, control, contexts[context] ?? '', continuation),
      ),
    ),
  );
  const responses: ChoiceResponse[] = [];
  let usage = NO_USAGE;
  let truncatedTokens = 0;
  for (const answer of answers) {
    if (answer === null) return null;
    if (!answer.ok) return faulted(answer.fault);
    responses.push(answer.value.response);
    usage = added(usage, answer.value.usage);
    truncatedTokens += answer.value.truncatedTokens;
  }
  return { outcome: { ok: true, type: 'choices', responses }, usage, truncatedTokens };
}

/** Each context's ids, asked for once. */
class ContextEncoder {
  readonly #contexts: readonly string[];
  readonly #ids = new Map<number, Promise<Reply<readonly number[]>>>();

  constructor(contexts: readonly string[]) {
    this.#contexts = contexts;
  }

  text(context: number): string {
    return this.#contexts[context] ?? '';
  }

  async ids(endpoint: ModelEndpoint, control: Control, context: number): Promise<Reply<readonly number[]>> {
    const known = this.#ids.get(context) ?? endpoint.tokenize(this.text(context), control);
    this.#ids.set(context, known);
    const ids = await known;
    if (!ids.ok) this.#ids.delete(context);
    return ids;
  }
}

interface Pair {
  readonly encoder: ContextEncoder;
  readonly context: number;
  readonly continuation: string;
}

async function scoreIds(
  endpoint: ModelEndpoint,
  control: Control,
  pair: Pair,
  profile: Profile,
  longPrompt: 'truncate' | 'refuse',
): Promise<Reply<Scored>> {
  const encoded = await encodePair(endpoint, control, pair, profile.prefixId);
  if (!encoded.ok) return encoded;
  const { ids, contextTokens } = encoded.value;
  const most = profile.contextLength === 0 ? ids.length : profile.contextLength - 1;
  const over = Math.max(0, ids.length - most);
  if (over > 0 && longPrompt === 'refuse') {
    return tooLong(`${ids.length} tokens and one to generate do not fit ${profile.contextLength}`);
  }
  const from = contextTokens - over;
  if (from <= 0)
    return tooLong(`the continuation leaves no room for context in ${profile.contextLength} tokens`);
  const asked = ids.slice(over);
  const echo = await endpoint.echo(asked, control);
  if (!echo.ok) return echo;
  return scored(echo.value, from, asked.length, over);
}

/** As the harness encodes a pair: the context's tokens are as many of the whole's as the context has alone. */
async function encodePair(
  endpoint: ModelEndpoint,
  control: Control,
  { encoder, context, continuation }: Pair,
  prefixId: number | null,
): Promise<Reply<{ readonly ids: readonly number[]; readonly contextTokens: number }>> {
  const text = encoder.text(context);
  const whole = await endpoint.tokenize(text + continuation, control);
  if (!whole.ok) return whole;
  if (text !== '') {
    const alone = await encoder.ids(endpoint, control, context);
    return alone.ok ? { ok: true, value: { ids: whole.value, contextTokens: alone.value.length } } : alone;
  }
  if (prefixId === null || whole.value[0] === prefixId) {
    return { ok: true, value: { ids: whole.value, contextTokens: 1 } };
  }
  return { ok: true, value: { ids: [prefixId, ...whole.value], contextTokens: 1 } };
}

// Without token ids the place where the continuation begins is found in the echoed tokens' texts.
async function scoreText(
  endpoint: ModelEndpoint,
  control: Control,
  context: string,
  continuation: string,
): Promise<Reply<Scored>> {
  const prompt = context + continuation;
  const echo = await endpoint.echo(prompt, control);
  if (!echo.ok) return echo;
  const starts = tokenStarts(echo.value.tokens, prompt);
  if (starts === null) return invalid('the echoed tokens do not make up the prompt');
  const end = before(starts, prompt.length);
  const next = before(starts, context.length);
  // A token across the border holds part of the continuation.
  const from = starts[next] === context.length ? next : next - 1;
  if (from >= end) return refused('the continuation has no token');
  if (!Number.isInteger(starts[from])) return refused('the continuation begins among split characters');
  if (from < 1 || starts[from] === -1) {
    return refused('nothing stands before the first token of the continuation, so it has no log-probability');
  }
  return scored(echo.value, from, end, 0);
}

/** How many tokens begin before `place`. */
function before(starts: readonly number[], place: number): number {
  const first = starts.findIndex((start) => start >= place);
  return first === -1 ? starts.length : first;
}

function scored(echo: EchoReply, from: number, end: number, truncatedTokens: number): Reply<Scored> {
  if (echo.logprobs.length < end) {
    return invalid(`${echo.logprobs.length} log-probabilities for ${end} prompt tokens`);
  }
  let sum = 0;
  let greedy = true;
  for (let i = from; i < end; i += 1) {
    const [logprob, best] = [echo.logprobs[i] ?? null, echo.best[i] ?? null];
    if (logprob === null) return invalid(`no log-probability for prompt token ${i} of ${end}`);
    sum += logprob;
    if (best === null || logprob !== best) greedy = false;
  }
  return { ok: true, value: { response: [sum, greedy], usage: echo.usage, truncatedTokens } };
}

function invalid(detail: string): Failure {
  return { ok: false, kind: 'invalid', status: 200, detail };
}

/** What no try can change. */
function refused(detail: string): Failure {
  return { ok: false, kind: 'refused', status: 0, detail };
}

function added(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  };
}
