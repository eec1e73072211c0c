import type { ChoicesRequest, Fault, GenerateRequest, GenerationOutcome, Usage } from '@assay/lib/domain';
import type { Control, Failure, ModelEndpoint, Reply } from '../../ports.ts';
import type { Profile } from '../profile.ts';

/** One sample's question, with all that its answer depends on. */
export interface Question<R = GenerateRequest | ChoicesRequest> {
  readonly request: R;
  readonly repeat: number;
  readonly seed: number;
  readonly longPrompt: 'truncate' | 'refuse';
}

/** How a solver asks: one call is one request's slot, with all its tries. */
export interface Asking {
  ask<T>(question: (endpoint: ModelEndpoint, control: Control) => Promise<Reply<T>>): Promise<Answered<T>>;
  profile(): Promise<Answered<Profile>>;
  /** Whether the server takes token ids for a prompt. */
  tokenIds(profile: Profile): Promise<Answered<boolean>>;
}

/** An answer, a fault after all tries, or null: given up and to be asked another time. */
export type Answered<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault } | null;

/** What a sample came to; null when it was given up. */
export type Solved = {
  readonly outcome: GenerationOutcome;
  readonly usage: Usage;
  readonly truncatedTokens: number;
} | null;

export const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0 };

export function faulted(fault: Fault): Solved {
  return { outcome: { ok: false, fault }, usage: NO_USAGE, truncatedTokens: 0 };
}

/** A refusal of our own that no try can change. */
export function tooLong(detail: string): Failure {
  return { ok: false, kind: 'too-long', status: 0, detail };
}
