import type { Control, Message, Reply, TextAsk, TextReply } from '../ports.ts';
import type { HttpClient } from './http-client.ts';
import { chatOf, objectOf } from './openai-reply.ts';

// The OpenAI API refuses more; the answer is cut at all of them afterwards.
const MOST_STOPS = 4;

/** `POST <base>/chat/completions`. */
export function openaiChat(http: HttpClient, base: string, model: string) {
  const path = `${base}/chat/completions`;
  return {
    async chat(messages: readonly Message[], ask: TextAsk, control: Control): Promise<Reply<TextReply>> {
      const body = {
        model,
        messages,
        max_tokens: ask.maxTokens,
        temperature: ask.temperature,
        ...(ask.until.length > 0 && { stop: ask.until.slice(0, MOST_STOPS) }),
        seed: ask.seed,
        ...ask.extra,
      };
      const reply = objectOf(await http.post(path, JSON.stringify(body), control));
      return reply.ok ? chatOf(reply.value) : reply;
    },
  };
}
