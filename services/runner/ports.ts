import type { Generation, JobId, ServerRecord, ShardWork, Usage } from '@assay/lib/domain';

/** How a question to a model server failed. */
export type FailureKind =
  /** 429: too many requests. */
  | 'limited'
  /** 503: up, and cannot take it now. */
  | 'overloaded'
  /** No connection. */
  | 'unreachable'
  /** The connection ended before anything was answered. */
  | 'broken'
  /** The connection ended in the middle of the answer. */
  | 'cut-off'
  | 'timed-out'
  /** The answer is not what the API promises. */
  | 'invalid'
  /** The answer is larger than any that is kept. */
  | 'too-large'
  /** 5xx. */
  | 'server-error'
  /** 4xx: the same request will be refused again. */
  | 'refused'
  /** 401, 403. */
  | 'unauthorized'
  /** The prompt and the answer asked for do not fit the context. */
  | 'too-long'
  /** Given up by us. */
  | 'cancelled';

export interface Failure {
  readonly ok: false;
  readonly kind: FailureKind;
  /** HTTP status; 0 when there was none. */
  readonly status: number;
  readonly detail: string;
  readonly retryAfterMs?: number;
}

export type Reply<T> = { readonly ok: true; readonly value: T } | Failure;

/** How long one try may take, and what gives it up. */
export interface Control {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface TextAsk {
  readonly until: readonly string[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
  /** Forwarded as it is; wins over all of the above. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Tells a server that takes it to add no special tokens to a prompt in text. */
  readonly plainTokens?: boolean;
}

/** A prompt of the completions API: text, or token ids. */
export type Prompt = string | readonly number[];

export interface Message {
  readonly role: string;
  readonly content: string;
}

export interface TextReply {
  readonly text: string;
  readonly finishReason: string;
  readonly usage: Usage;
}

/** A prompt's tokens with their log-probabilities, and one generated token after them. All lists are of one length. */
export interface EchoReply {
  readonly tokens: readonly string[];
  readonly logprobs: readonly (number | null)[];
  /** The likeliest token's log-probability at each place, as far as the server says. */
  readonly best: readonly (number | null)[];
  readonly usage: Usage;
}

export interface ListedModel {
  readonly id: string;
  /** Tokens; 0 when not said. */
  readonly contextLength: number;
}

export interface TokenizerInfo {
  /** Text of the token that stands for an empty context; null when there is none. */
  readonly prefixToken: string | null;
  /** Tokens; 0 when not said. */
  readonly contextLength: number;
}

/** One model server. Never throws: what goes wrong is the reply. */
export interface ModelEndpoint {
  models(control: Control): Promise<Reply<readonly ListedModel[]>>;
  tokenizer(control: Control): Promise<Reply<TokenizerInfo>>;
  /** The ids of a text, without special tokens. */
  tokenize(text: string, control: Control): Promise<Reply<readonly number[]>>;
  complete(prompt: Prompt, ask: TextAsk, control: Control): Promise<Reply<TextReply>>;
  chat(messages: readonly Message[], ask: TextAsk, control: Control): Promise<Reply<TextReply>>;
  /** Log-probabilities of the prompt itself. */
  echo(prompt: Prompt, control: Control): Promise<Reply<EchoReply>>;
  close(): Promise<void>;
}

/** Opens a server's endpoint, with its key when it has one. */
export type Connect = (server: ServerRecord) => Promise<ModelEndpoint>;

/** Where the model servers are. */
export interface Servers {
  get(key: string): ServerRecord | undefined;
  /** Keys of the servers that are ready. */
  ready(): readonly string[];
  onChange(listener: (key: string) => void): () => void;
}

export interface Jobs {
  /** Cancelled, failed or otherwise over: nothing of it is to be asked or stored any more. */
  ended(job: JobId): boolean;
}

/** The generations of the partition that a shard belongs to. */
export interface Generations {
  /** Harmless to repeat. Throws LEDGER_FULL and BROKER_UNAVAILABLE, both passing. */
  store(generation: Generation): Promise<'stored' | 'exists'>;
  /** Which of a shard's bucket are stored; names are those that `nameOf` gives. */
  stored(work: ShardWork): Promise<ReadonlySet<string>>;
  nameOf(work: ShardWork, doc: number, repeat: number): string;
  has(name: string): Promise<boolean>;
}
