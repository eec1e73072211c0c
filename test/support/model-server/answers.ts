import { type Behaviour, hashText } from './behaviour.ts';
import { type Logprobs, logprobsOf } from './logprobs.ts';
import { decode, encode } from './tokens.ts';

/** What a script is told about a request. */
export interface Asked {
  readonly api: 'completions' | 'chat';
  /** The prompt's text; for chat the JSON of the messages. */
  readonly prompt: string;
  readonly seed: unknown;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The text of an answer, by content alone; null for the server's own. */
export type Script = (asked: Asked) => string | null;

/** A request the server refuses. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, message: string, code: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What was asked: throws `Refusal` for what this server does not take. */
export function readAsked(path: string, body: Record<string, unknown>, behaviour: Behaviour): Asked {
  const api = path.endsWith('/chat/completions') ? 'chat' : 'completions';
  if (behaviour.api !== 'both' && behaviour.api !== api) throw new Refusal(404, `no such route: ${path}`);
  if (body['model'] !== undefined && body['model'] !== behaviour.model) {
    throw new Refusal(404, `The model \`${String(body['model'])}\` does not exist.`, 'model_not_found');
  }
  if (api === 'chat') {
    if (!Array.isArray(body['messages'])) throw new Refusal(400, 'messages: must be a list');
    return { api, prompt: JSON.stringify(body['messages']), seed: body['seed'], body };
  }
  return { api, prompt: promptText(body['prompt'], behaviour), seed: body['seed'], body };
}

/** The whole response body, and the text in it. */
export function respond(asked: Asked, behaviour: Behaviour, script: Script | undefined): object {
  const given = asked.body['max_tokens'];
  const maxTokens = typeof given === 'number' ? given : 16;
  const estimate = Math.ceil(asked.prompt.length / 4);
  const near = estimate * 3 + maxTokens > behaviour.contextLength;
  const promptTokens = near ? encode(asked.prompt).length : estimate;
  if (promptTokens + maxTokens > behaviour.contextLength) throw tooLong(behaviour, promptTokens, maxTokens);
  if (asked.body['echo'] === true) return echoed(asked, behaviour, maxTokens);
  const full = script?.(asked) ?? ownAnswer(asked);
  const { text, finish } = cutAt(full, asked.body['stop'], maxTokens);
  const usage = usageOf(promptTokens, Math.ceil(text.length / 4));
  if (asked.api === 'completions') {
    const choices = [{ index: 0, text, logprobs: null, finish_reason: finish }];
    return { ...head('text_completion', behaviour), choices, usage };
  }
  const message = { role: 'assistant', content: text };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finish }];
  return { ...head('chat.completion', behaviour), choices, usage };
}

function promptText(prompt: unknown, behaviour: Behaviour): string {
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(prompt)) throw new Refusal(400, 'prompt: must be a string or token ids');
  const [first]: unknown[] = prompt;
  if (prompt.length === 1 && typeof first === 'string') return first;
  if (!behaviour.tokenIds) throw new Refusal(422, 'prompt: Input should be a valid string');
  const ids: unknown[] = prompt.length === 1 && Array.isArray(first) ? first : prompt;
  if (!ids.every((id) => typeof id === 'number')) throw new Refusal(400, 'prompt: one prompt at a time');
  return decode(ids);
}

// Most questions get a number, as arithmetic tasks want one; the words before it depend on the content too.
function ownAnswer(asked: Asked): string {
  const seed = typeof asked.seed === 'number' ? asked.seed : 0;
  const temperature = typeof asked.body['temperature'] === 'number' ? asked.body['temperature'] : 0;
  const hash = hashText(temperature > 0 ? `${String(seed)}\n${asked.prompt}` : asked.prompt);
  return ` Step ${String(hash % 7)} gives ${String((hash >>> 8) % 100)}.\n#### ${String((hash >>> 8) % 100)}`;
}

function cutAt(full: string, stop: unknown, maxTokens: number): { text: string; finish: string } {
  const stops: unknown[] = typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop : [];
  let text = full;
  for (const term of stops) {
    if (typeof term === 'string' && term !== '' && text.includes(term))
      text = text.slice(0, text.indexOf(term));
  }
  if (text.length > maxTokens * 4) return { text: text.slice(0, maxTokens * 4), finish: 'length' };
  return { text, finish: 'stop' };
}

function echoed(asked: Asked, behaviour: Behaviour, maxTokens: number): object {
  const generated = maxTokens > 0 ? ' x' : '';
  const ids = encode(asked.prompt).concat(encode(generated));
  const wants = typeof asked.body['logprobs'] === 'number';
  const logprobs: Logprobs | null = wants ? logprobsOf(ids, behaviour.logprobs) : null;
  const choice = { index: 0, text: asked.prompt + generated, logprobs, finish_reason: 'length' };
  const usage = usageOf(ids.length - (maxTokens > 0 ? 1 : 0), maxTokens > 0 ? 1 : 0);
  return { ...head('text_completion', behaviour), choices: [choice], usage };
}

function tooLong(behaviour: Behaviour, promptTokens: number, maxTokens: number): Refusal {
  return new Refusal(
    400,
    `This model's maximum context length is ${String(behaviour.contextLength)} tokens. However, you requested ` +
      `${String(promptTokens + maxTokens)} tokens (${String(promptTokens)} in the prompt, ${String(maxTokens)} for the completion).`,
    'context_length_exceeded',
  );
}

let answered = 0;

function head(object: string, behaviour: Behaviour): object {
  answered += 1;
  return { id: `scripted-${String(answered)}`, object, created: 0, model: behaviour.model };
}

function usageOf(prompt: number, completion: number): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
