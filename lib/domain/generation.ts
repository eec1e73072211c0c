import type { BlobRef, SampleId } from './ids.ts';
import type { Kind } from './plan.ts';

/** Why an infrastructure fault left a sample without an answer or a score. Never a wrong answer. */
export interface Fault {
  /** UPPER_SNAKE, one of the reasons in docs/errors.md. */
  readonly reason: string;
  readonly detail: string;
  readonly attempts: number;
}

/** An answer in text. Lone surrogates are replaced before it is stored. */
export interface TextResponse {
  readonly text: string;
  readonly finishReason: string;
}

/** Summed log-probability of a continuation (natural logarithm), and whether each of its tokens was the most likely. */
export type ChoiceResponse = readonly [logprob: number, greedy: boolean];

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export type GenerationOutcome =
  | { readonly ok: true; readonly type: 'text'; readonly response: TextResponse }
  | { readonly ok: true; readonly type: 'choices'; readonly responses: readonly ChoiceResponse[] }
  | { readonly ok: false; readonly fault: Fault };

/** What the generations ledger stores for a sample. An outcome over the message limit is a blob. */
export interface Generation extends SampleId {
  readonly v: 1;
  readonly kind: Kind;
  readonly server: string;
  readonly requests: BlobRef;
  readonly docs: BlobRef;
  /** Position of the document within the shard's requests and docs. */
  readonly index: number;
  readonly outcome: GenerationOutcome | { readonly blob: BlobRef };
  readonly usage: Usage;
  readonly latencyMs: number;
  /** Prompt tokens dropped on the left because the prompt did not fit. */
  readonly truncatedTokens?: number;
}
