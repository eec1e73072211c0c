import type { GenerateRequest } from '@assay/lib/domain';
import type { Control, ModelEndpoint, Prompt, Reply, TextAsk, TextReply } from '../../ports.ts';
import type { Profile } from '../profile.ts';
import { faulted, tooLong, type Asking, type Question, type Solved } from './solve.ts';

interface Text {
  readonly reply: TextReply;
  readonly truncatedTokens: number;
}

/** Asks for one text. A prompt that does not fit is cut on the left when the task says so and the server can tokenise. */
export async function solveText(question: Question<GenerateRequest>, asking: Asking): Promise<Solved> {
  const { prompt } = question.request;
  const answered =
    typeof prompt === 'string'
      ? await complete(question, prompt, asking)
      : await asking.ask(async (endpoint, control) =>
          withoutCut(await endpoint.chat(prompt, askOf(question), control)),
        );
  if (answered === null) return null;
  if (!answered.ok) return faulted(answered.fault);
  const { reply, truncatedTokens } = answered.value;
  const text = cutAtStops(reply.text, question.request.settings.until).toWellFormed();
  const response = { text, finishReason: reply.finishReason };
  return { outcome: { ok: true, type: 'text', response }, usage: reply.usage, truncatedTokens };
}

/**
 * What goes on the wire. The seed is the job's; with a temperature each repeat has its own, or all K answers would be
 * the same one.
 */
export function askOf({ request, repeat, seed }: Question<GenerateRequest>): TextAsk {
  const { until, maxTokens, temperature, extra } = request.settings;
  return { until, maxTokens, temperature, extra, seed: temperature > 0 ? seed + repeat : seed };
}

/** The text before the first of the stops; servers take only so many, and some keep the stop itself. */
export function cutAtStops(text: string, until: readonly string[]): string {
  let cut = text;
  for (const stop of until) {
    const at = stop === '' ? -1 : cut.indexOf(stop);
    if (at >= 0) cut = cut.slice(0, at);
  }
  return cut;
}

async function complete(question: Question<GenerateRequest>, prompt: string, asking: Asking) {
  const profile = await asking.profile();
  if (profile === null || !profile.ok) return profile;
  const ask: TextAsk = { ...askOf(question), ...(profile.value.tokenizer && { plainTokens: true }) };
  return asking.ask(async (endpoint, control) => {
    const whole = await endpoint.complete(prompt, ask, control);
    if (whole.ok || whole.kind !== 'too-long' || question.longPrompt === 'refuse') return withoutCut(whole);
    return cutPrompt(endpoint, control, { prompt, ask, profile: profile.value });
  });
}

// lm-evaluation-harness keeps the last (length − 1 − max_gen_toks) tokens; where that is none it asks nothing sensible.
async function cutPrompt(
  endpoint: ModelEndpoint,
  control: Control,
  { prompt, ask, profile }: { prompt: string; ask: TextAsk; profile: Profile },
): Promise<Reply<Text>> {
  const keep = profile.contextLength - 1 - ask.maxTokens;
  if (profile.contextLength === 0 || !profile.tokenizer) {
    return tooLong('the prompt does not fit, and the server has no tokenizer or context length to cut it by');
  }
  if (keep < 1)
    return tooLong(`a context of ${profile.contextLength} tokens leaves no room beside ${ask.maxTokens}`);
  const ids = await endpoint.tokenize(prompt, control);
  if (!ids.ok) return ids;
  const kept: Prompt = ids.value.slice(-keep);
  const reply = await endpoint.complete(kept, ask, control);
  if (!reply.ok)
    return reply.kind === 'refused' ? tooLong(`cut to ${keep} token ids: ${reply.detail}`) : reply;
  return { ok: true, value: { reply: reply.value, truncatedTokens: ids.value.length - kept.length } };
}

function withoutCut(reply: Reply<TextReply>): Reply<Text> {
  return reply.ok ? { ok: true, value: { reply: reply.value, truncatedTokens: 0 } } : reply;
}
