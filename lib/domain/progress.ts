/** How far a job's ledgers are: written by the scheduler's leader into the KV `assay_progress`, for every reader. */
export interface JobProgress {
  readonly v: 1;
  readonly tasks: readonly TaskAmount[];
  /** Seconds until all scores are expected; 0 when that cannot be said yet. */
  readonly etaSeconds: number;
  readonly updatedAt: string;
}

export interface TaskAmount {
  readonly task: string;
  readonly generated: number;
  readonly scored: number;
}
