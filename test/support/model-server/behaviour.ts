/** What goes wrong with a request that was understood. */
export type FaultMode =
  /** `status` with an error body. */
  | 'status'
  /** 200, and a body that is not JSON. */
  | 'garbage'
  /** 200, the head and half of the body, then the connection ends. */
  | 'half'
  /** The right answer, a few bytes at a time. */
  | 'drip'
  /** The connection stays open and nothing comes. */
  | 'silent'
  /** The connection ends before anything is said. */
  | 'reset'
  /** 200, JSON, and no choices in it. */
  | 'empty'
  /** The right shape with `bytes` of text. */
  | 'huge'
  /** Text with lone surrogates and NUL, as JSON escapes. */
  | 'surrogates'
  /** Bytes that are not UTF-8 inside the JSON string. */
  | 'invalid-utf8';

export interface FaultRule {
  readonly mode: FaultMode;
  /** For `status`. Default 500. */
  readonly status?: number;
  /** Only prompts that hold this text. */
  readonly match?: string;
  /** Only the first so many times that each prompt is asked. */
  readonly attempts?: number;
  /** Share of requests, chosen by the prompt and how often it was asked before. Default 1. */
  readonly share?: number;
  /** For `huge`. Default 1 MiB. */
  readonly bytes?: number;
  /** For `drip`: pause between pieces. Default 50. */
  readonly pauseMs?: number;
}

/** How prompt log-probabilities are told. */
export type LogprobsMode =
  | 'right'
  /** `logprobs` is null. */
  | 'missing'
  /** Null for every prompt token; only the generated one has a number. */
  | 'partial'
  /** The number at i belongs to token i + 1. */
  | 'shifted-left'
  /** The number at i belongs to token i − 1. */
  | 'shifted-right'
  /** Token i under the distribution that predicts token i + 1, as llama-cpp-python 0.3.36 answers. */
  | 'after'
  /** Neither the generated token nor the prompt's last one. */
  | 'short'
  /** Tokens whose texts do not make up the prompt. */
  | 'other-text';

/** What the server does; all of it can be changed while it runs, in process or by POST /admin/behaviour. */
export interface Behaviour {
  readonly model: string;
  /** Tokens of prompt and answer together; longer requests are refused with 400. */
  readonly contextLength: number;
  /** Whether /v1/models and /tokenizer_info say so. */
  readonly tellsContextLength: boolean;
  readonly api: 'both' | 'chat' | 'completions';
  /** Whether prompts may be token ids; otherwise 422. */
  readonly tokenIds: boolean;
  /** Whether /tokenize, /detokenize and /tokenizer_info are there. */
  readonly tokenizer: boolean;
  readonly logprobs: LogprobsMode;
  /** Bearer key that is asked for; any when null. */
  readonly apiKey: string | null;
  readonly delayMs: number;
  /** Requests at once; above it 429. 0: no limit. */
  readonly limit: number;
  /** Value of Retry-After with 429 and 503; none when null. */
  readonly retryAfter: string | null;
  /** /health and all requests answer 503. */
  readonly down: boolean;
  readonly faults: readonly FaultRule[];
}

export const DEFAULT_BEHAVIOUR: Behaviour = {
  model: 'scripted',
  contextLength: 8_192,
  tellsContextLength: true,
  api: 'both',
  tokenIds: true,
  tokenizer: true,
  logprobs: 'right',
  apiKey: null,
  delayMs: 0,
  limit: 0,
  retryAfter: null,
  down: false,
  faults: [],
};

/** The rule that hits this request, if any. `asked` counts this prompt's requests, this one included. */
export function faultOf(rules: readonly FaultRule[], prompt: string, asked: number): FaultRule | undefined {
  return rules.find(
    (rule) =>
      (rule.match === undefined || prompt.includes(rule.match)) &&
      asked <= (rule.attempts ?? Infinity) &&
      (rule.share === undefined || chance(prompt, asked) < rule.share),
  );
}

function chance(prompt: string, asked: number): number {
  return hashText(`${String(asked)}\n${prompt}`) / 2 ** 32;
}

/** FNV-1a over UTF-16 units: 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
