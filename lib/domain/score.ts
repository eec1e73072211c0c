import type { Fault } from './generation.ts';
import type { BlobRef, JobId } from './ids.ts';
import type { DocHashes } from './prepared.ts';

/** How an execution ended. `PE`: the child broke the protocol or forged a frame. `IE` is ours and never scored. */
export type VerdictStatus = 'AC' | 'WA' | 'TLE' | 'MLE' | 'OLE' | 'RE' | 'CE' | 'PE' | 'IE';

export interface Verdict {
  readonly status: VerdictStatus;
  readonly detail: string;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly maxRssBytes: number;
  /** Runs that it took; 1 where it is left out. */
  readonly attempts?: number;
  /** The first run, when it ended so near a limit that the submission was run once more alone. */
  readonly nearLimit?: { readonly cpuMs: number; readonly wallMs: number };
}

/** What the scores ledger stores: one for a sample (`repeat` is a number) or for a document (`all`). */
export interface Score {
  readonly v: 1;
  readonly job: JobId;
  readonly task: string;
  readonly epoch: number;
  readonly doc: number;
  readonly repeat: number | 'all';
  readonly requests: BlobRef;
  readonly docs: BlobRef;
  readonly index: number;
  readonly hashes: DocHashes;
  readonly outcome: ScoreOutcome | { readonly blob: BlobRef };
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly truncatedTokens: number;
}

export type ScoreOutcome =
  | {
      readonly status: 'scored';
      /** Keys are `metric,filter`. */
      readonly metrics: Readonly<Record<string, number>>;
      /** The filtered response of each pipeline, as sample files show it. */
      readonly filtered: Readonly<Record<string, unknown>>;
      readonly verdict?: Verdict;
    }
  | { readonly status: 'unscored'; readonly fault: Fault };
