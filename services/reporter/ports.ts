import type {
  BlobRef,
  Fault,
  Generation,
  JobRecord,
  Kind,
  Score,
  ScoreOutcome,
  SampleId,
} from '@assay/lib/domain';

/** One task of one scoring of a job. */
export interface TaskKey {
  readonly job: string;
  readonly epoch: number;
  readonly task: string;
}

/** The `repeat` of a score that stands for all repeats of its document. */
export const ALL_REPEATS = -1;

/** A score as it is stored; `outcome` may still be a blob, `metrics` and `fault` are always resolved. */
export interface ScoreRow extends TaskKey {
  readonly doc: number;
  /** From 0, or `ALL_REPEATS`. */
  readonly repeat: number;
  /** Keys are `metric,filter`; empty when unscored. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Set when the sample or document is unscored. */
  readonly fault?: Pick<Fault, 'reason' | 'detail'>;
  readonly outcome: ScoreOutcome | { readonly blob: BlobRef };
  readonly requests: BlobRef;
  readonly docs: BlobRef;
  /** Position of the document within the shard's requests and docs. */
  readonly index: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly truncatedTokens: number;
}

/** Running sums of one metric, in order of arrival: good for a live view, not for the report. */
export interface MetricSums {
  readonly n: number;
  readonly sum: number;
  readonly sumSquares: number;
}

/** What is known of a task while its scores arrive. */
export interface TaskTotals extends TaskKey {
  readonly scored: number;
  readonly unscored: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Samples (or documents) whose prompt was cut to fit. */
  readonly truncatedPrompts: number;
  readonly metrics: Readonly<Record<string, MetricSums>>;
  readonly reasons: Readonly<Record<string, number>>;
  /** Docs of any one shard: they say how the task is scored. */
  readonly docs: BlobRef;
}

export interface FoldCounts {
  readonly stored: number;
  /** Seen before; nothing changed. */
  readonly duplicates: number;
  /** Of a scoring whose report is stored already; ignored. */
  readonly late: number;
}

/** Documents of which `n` repeats are scored and `passed` of those passed. */
export interface PassCount {
  readonly n: number;
  readonly passed: number;
  readonly docs: number;
}

export interface MetricResult {
  readonly metric: string;
  readonly filter: string;
  readonly value: number;
  /** Null where it is not defined, one document for instance. */
  readonly stderr: number | null;
  /** 95 % confidence interval. */
  readonly low: number | null;
  readonly high: number | null;
  /** Documents that went into the value. */
  readonly n: number;
  readonly higherIsBetter: boolean;
}

export interface TaskResult {
  readonly task: string;
  readonly metrics: readonly MetricResult[];
  readonly docs: number;
  /** Scores expected; 0 while that is not known. */
  readonly expected: number;
  readonly scored: number;
  readonly unscored: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly truncatedPrompts: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export interface ReportFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Set for a file of samples. */
  readonly task?: string;
}

/** A job's final result, as it is kept after the ledgers are purged. */
export interface FinalResult {
  readonly job: string;
  readonly epoch: number;
  readonly model: string;
  readonly tasks: readonly TaskResult[];
  /** lm-evaluation-harness' results JSON. */
  readonly resultsJson: string;
  readonly markdown: string;
  readonly files: readonly ReportFile[];
}

/** A job that has scores or a final result. */
export interface Run {
  readonly job: string;
  /** Empty when nobody knows whose it is. */
  readonly tenant: string;
  /** Epoch milliseconds of the first score (or of the final result, when that came first). */
  readonly createdAt: number;
  readonly final: FinalResult | null;
}

/** A run without the texts of its report. */
export interface RunSummary {
  readonly job: string;
  readonly createdAt: number;
  readonly model: string;
  /** Null while scores still arrive. */
  readonly tasks: readonly TaskResult[] | null;
}

export interface RunPage {
  readonly runs: readonly RunSummary[];
  /** Where the next page begins; null at the end. */
  readonly next: RunCursor | null;
}

export interface RunCursor {
  readonly createdAt: number;
  readonly job: string;
}

/**
 * The results database. Every method throws DATABASE_UNAVAILABLE (passing) when the database does not answer;
 * a method that writes has then written nothing.
 */
export interface Results {
  /** Stores the rows that are new and adds them to the live totals, in one transaction. */
  fold(rows: readonly ScoreRow[], now: number): Promise<FoldCounts>;
  /** Live totals of the job's latest epoch, or of the one given; in the order in which the tasks appeared. */
  totals(job: string, epoch?: number): Promise<readonly TaskTotals[]>;
  /** How many documents had which number of passing repeats under the metric key. */
  passCounts(task: TaskKey, metricKey: string): Promise<readonly PassCount[]>;
  /** Stored rows of the documents `from` ≤ doc < `to`, in (doc, repeat) order. */
  rows(task: TaskKey, from: number, to: number): Promise<readonly ScoreRow[]>;
  /** Stored rows of these documents, in (doc, repeat) order. */
  rowsOf(task: TaskKey, docs: readonly number[]): Promise<readonly ScoreRow[]>;
  /** Stores a final result; one of the same or an earlier epoch is replaced. */
  finish(result: FinalResult, now: number): Promise<void>;
  run(job: string): Promise<Run | null>;
  /** A tenant's, newest first. */
  runs(tenant: string, limit: number, after: RunCursor | null): Promise<RunPage>;
  /** Bytes on disk. */
  size(): Promise<number>;
  /** Resolves when the database answers. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Whose a job is: the same for ever. Empty when nobody knows. */
export type TenantOf = (job: string) => Promise<string>;

/** Where a shard's answers are read. */
export interface Generations {
  /** One entry for each sample, in order; null where the ledger has none. */
  read(partition: string, kind: Kind, samples: readonly SampleId[]): Promise<readonly (Generation | null)[]>;
}

/** The scheduler's records, read only. */
export interface Jobs {
  get(job: string): Promise<JobRecord | null>;
}

/** Blobs, read only. Throws as `Blob.get` does. */
export interface Blobs {
  get(ref: BlobRef): Promise<Uint8Array>;
}

/** Texts by number, kept on disk for as long as they are put in order. */
export interface Spool {
  add(key: number, text: string): Promise<void>;
  get(key: number): Promise<string | null>;
  close(): Promise<void>;
}

/** The folder in which a job's report appears, whole or not at all. Throws BLOB_STORE_FULL (passing) without room. */
export interface Reports {
  begin(job: string): Promise<ReportDraft>;
  /** Lines of a report file. Throws NOT_FOUND when it is gone. */
  lines(path: string): AsyncIterable<string>;
  spool(): Promise<Spool>;
}

export interface ReportDraft {
  /** Appends to a file of the draft. */
  append(name: string, text: string): Promise<void>;
  /** Bytes of a file of the draft; an empty stream for one that was never written. */
  read(name: string): AsyncIterable<Uint8Array>;
  /** Appends the parts to `name`, in order, and removes them. */
  join(name: string, parts: readonly string[]): Promise<void>;
  remove(name: string): Promise<void>;
  /** Files so far, by name. */
  files(): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  /** Makes the whole draft the job's report; a former one is replaced. */
  commit(): Promise<readonly { readonly name: string; readonly path: string; readonly bytes: number }[]>;
  /** Removes what is not committed. */
  discard(): Promise<void>;
}

/** A delivery of the scores ledger, as far as it matters here. */
export interface ScoreDelivery {
  readonly entry: Score;
  ack(): void;
}

/** What `Finalize` is told about a job. */
export interface FinalRequest {
  readonly job: string;
  readonly partition: string;
  readonly epoch: number;
  readonly plan: BlobRef;
  readonly counts: readonly { readonly task: string; readonly samples: number; readonly scores: number }[];
  readonly model: string;
  readonly serverKind: string;
  readonly endpoint: string;
  readonly seed: number;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly provenance: Readonly<Record<string, string>>;
}
