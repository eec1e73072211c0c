import type { BlobRef, JobId } from './ids.ts';
import type { Kind } from './plan.ts';

/** Body of a shard-queue message. */
export interface ShardWork {
  readonly v: 1;
  readonly job: JobId;
  readonly task: string;
  readonly kind: Kind;
  readonly n: number;
  readonly bucket: number;
  readonly server: string;
  readonly requests: BlobRef;
  readonly docs: BlobRef;
  readonly samples: number;
  readonly seed: number;
  readonly maxConcurrency: number;
  /** Sent again: some of its generations may be stored already, and those are not asked for again. */
  readonly resume: boolean;
}

/** Render one task of a job. The answer is the stage answer `<job>.prepare.<task>`. */
export interface PrepareWork {
  readonly v: 1;
  readonly job: JobId;
  readonly task: string;
  readonly bundle: BlobRef;
  readonly limit?: number;
  readonly numFewshot?: number;
  readonly genKwargs?: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

/** Ask the ready server what the job needs of it. The answer is the stage answer `<job>.check`. */
export interface CheckWork {
  readonly v: 1;
  readonly job: JobId;
  readonly server: string;
  readonly tasks: readonly { readonly task: string; readonly plan: BlobRef }[];
}

/** Score a stored generation again that has no score. */
export interface ScoreWork {
  readonly v: 1;
  readonly job: JobId;
  readonly task: string;
  readonly kind: Kind;
  readonly epoch: number;
  readonly doc: number;
  readonly repeat: number;
}

export interface Violation {
  readonly field: string;
  readonly message: string;
}

/** What a worker answers to `prepare` and `check` items: a value of the KV `assay_stages`. */
export type StageAnswer<T> =
  | { readonly v: 1; readonly ok: true; readonly value: T }
  | {
      readonly v: 1;
      readonly ok: false;
      readonly reason: string;
      readonly message: string;
      readonly violations: readonly Violation[];
    };

export interface PrepareValue {
  readonly plan: BlobRef;
  readonly samples: number;
  readonly scores: number;
  readonly shards: number;
  readonly ledgerBytes: number;
  readonly needsLogprobs: boolean;
  readonly api: 'completions' | 'chat';
}

export interface CheckValue {
  readonly contextLength: number;
  readonly tokenIds: boolean;
  readonly promptLogprobs: boolean;
  readonly warnings: readonly string[];
}
