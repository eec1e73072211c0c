import type { Control, EchoReply, Prompt, Reply, TextAsk, TextReply } from '../ports.ts';
import type { HttpClient } from './http-client.ts';
import { completionOf, echoOf, objectOf } from './openai-reply.ts';

// What lm-evaluation-harness sends with every log-likelihood request; greedy and deterministic either way.
const ECHO_SEED = 1234;

/** `POST <base>/completions`. The fields are those that lm-evaluation-harness 0.4.13 sends. */
export function openaiCompletions(http: HttpClient, base: string, model: string) {
  const path = `${base}/completions`;
  return {
    async complete(prompt: Prompt, ask: TextAsk, control: Control): Promise<Reply<TextReply>> {
      const body = {
        model,
        prompt,
        max_tokens: ask.maxTokens,
        temperature: ask.temperature,
        ...(ask.until.length > 0 && { stop: ask.until }),
        seed: ask.seed,
        ...(ask.plainTokens === true && { add_special_tokens: false }),
        ...ask.extra,
      };
      const reply = objectOf(await http.post(path, JSON.stringify(body), control));
      return reply.ok ? completionOf(reply.value) : reply;
    },
    async echo(prompt: Prompt, control: Control): Promise<Reply<EchoReply>> {
      const settings = { temperature: 0, max_tokens: 1, logprobs: 1, seed: ECHO_SEED, echo: true };
      const body = JSON.stringify({ model, prompt, ...settings });
      const reply = objectOf(await http.post(path, body, control));
      return reply.ok ? echoOf(reply.value) : reply;
    },
  };
}
