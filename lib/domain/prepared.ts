export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Sampling settings in the field's names; `extra` is forwarded to the server verbatim. */
export interface GenerationSettings {
  readonly until: readonly string[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface GenerateRequest {
  readonly type: 'generate';
  /** A string goes to the completions API, messages go to the chat API. */
  readonly prompt: string | readonly ChatMessage[];
  readonly settings: GenerationSettings;
}

/** Log-likelihoods of continuations; a document has one pair for each choice. */
export interface ChoicesRequest {
  readonly type: 'choices';
  readonly contexts: readonly string[];
  readonly pairs: readonly { readonly context: number; readonly continuation: string }[];
}

export type PreparedRequest = GenerateRequest | ChoicesRequest;

/** One line of a shard's requests: the document, which of its repeats, and what is asked. */
export interface ShardRequest {
  readonly doc: number;
  readonly repeats: readonly number[];
  readonly request: PreparedRequest;
}

/** What the runner reads to generate one shard (a blob). It holds no expected output. */
export interface ShardRequests {
  readonly v: 1;
  readonly task: string;
  readonly requests: readonly ShardRequest[];
  /** What to do with a prompt that does not fit the server's context; `truncate` drops tokens on the left. */
  readonly longPrompt: 'truncate' | 'refuse';
}

/** The three hashes that lm-evaluation-harness writes for each document: lower-case hexadecimal SHA-256. */
export interface DocHashes {
  readonly doc: string;
  readonly prompt: string;
  readonly target: string;
}

/** One document with all that scoring needs; in the same order as the shard's requests. */
export interface PreparedDoc {
  readonly doc: number;
  /** The document as one line of JSON, written as Python's `json.dumps(doc, ensure_ascii=False)` writes it. */
  readonly json: string;
  /** Python's `str()` of the target, as sample files show it. */
  readonly target: string;
  /** Accepted answers (generate), or accepted choice indices (multiple choice). */
  readonly gold: readonly (string | number)[];
  readonly choices?: readonly string[];
  readonly hashes: DocHashes;
  /** Code tasks: what is run after the model's program. */
  readonly code?: { readonly entry: string; readonly prefix: string; readonly tests: string };
}

/** What the sandbox and the reporter read to score and to report one shard (a blob); says by itself how to score. */
export interface ShardDocs {
  readonly v: 1;
  readonly task: string;
  readonly scoring: Scoring;
  readonly docs: readonly PreparedDoc[];
}

export interface FilterStep {
  readonly function: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface FilterPipeline {
  readonly name: string;
  readonly steps: readonly FilterStep[];
}

export interface MetricSpec {
  readonly metric: string;
  readonly aggregation: string;
  readonly higherIsBetter: boolean;
  readonly args: Readonly<Record<string, unknown>>;
}

export type OutputType = 'generate_until' | 'multiple_choice';

/** How one task's generations become scores. `sample`: one score for each repeat; `document`: one over all repeats. */
export interface Scoring {
  readonly outputType: OutputType;
  readonly per: 'sample' | 'document';
  readonly repeats: number;
  readonly pipelines: readonly FilterPipeline[];
  readonly metrics: readonly MetricSpec[];
  readonly code?: CodeScoring;
}

/** Limits of one execution and the k of pass@k. */
export interface CodeScoring {
  readonly k: readonly number[];
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly memoryBytes: number;
  readonly outputBytes: number;
}
