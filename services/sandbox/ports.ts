import type {
  BlobRef,
  Generation,
  GenerationOutcome,
  Score,
  ScoreOutcome,
  ShardDocs,
} from '@assay/lib/domain';
import type { Execution, Submission } from '@assay/lib/python';

/** Shards of documents by their blob. Throws BLOB_MISSING (permanent) when it is gone. */
export interface Docs {
  get(ref: BlobRef): Promise<ShardDocs>;
}

/** The generations ledger, read by identity. */
export interface Generations {
  get(sample: Pick<Generation, 'kind' | 'job' | 'task' | 'doc' | 'repeat'>): Promise<Generation | null>;
}

/** The scores ledger. Throws LEDGER_FULL or BROKER_UNAVAILABLE, both passing. */
export interface Scores {
  store(score: Score): Promise<'stored' | 'exists'>;
}

/** Outcomes that are too large for a message lie in the blob store. */
export interface Outcomes {
  read(outcome: Generation['outcome']): Promise<GenerationOutcome>;
  /** Throws BLOB_STORE_FULL (passing). */
  pack(outcome: ScoreOutcome): Promise<Score['outcome']>;
}

export interface Jobs {
  /** Succeeded, failed or cancelled: nothing is stored for it any more. */
  isFinished(job: string): boolean;
}

/** Runs untrusted programs; see `Jail` of lib/python. */
export interface Executor {
  run(submission: Submission, signal?: AbortSignal): Promise<Execution>;
}

/** A delivery of the generations ledger, as far as it matters here. */
export interface GenerationDelivery {
  readonly entry: Generation;
  /** From 1. */
  readonly attempt: number;
  ack(): void;
  retry(delayMs: number): void;
}
