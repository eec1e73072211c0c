import type { BlobRef } from './ids.ts';
import type { MetricSpec, OutputType, Scoring } from './prepared.ts';

/** Which workers consume a task's generations: `score` needs no execution, `execute` runs code in the jail. */
export type Kind = 'score' | 'execute';

/** One unit of the shard queue: 32 to 256 samples of one bucket, longest expected first. */
export interface ShardRef {
  /** Position within the task, from 0. */
  readonly n: number;
  readonly bucket: number;
  readonly requests: BlobRef;
  readonly docs: BlobRef;
  readonly samples: number;
}

/** What `prepare` gives for one task (a blob): all that the audit and the report must know. */
export interface TaskPlan {
  readonly v: 1;
  readonly task: string;
  readonly alias: string;
  readonly version: string;
  readonly kind: Kind;
  readonly outputType: OutputType;
  /** Documents evaluated; their ids are 0 … docs − 1. */
  readonly docs: number;
  /** Documents in the evaluation split before `limit`. */
  readonly originalDocs: number;
  readonly repeats: number;
  readonly numFewshot: number;
  readonly scoring: Scoring;
  readonly metrics: readonly MetricSpec[];
  readonly shards: readonly ShardRef[];
  /** The task's YAML after includes and overrides, as result files show it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** `config` as one line of JSON written as Python's `json.dumps(config, ensure_ascii=False)`: it tells 1.0 and 1 apart. */
  readonly configJson?: string;
  readonly needs: PlanNeeds;
}

/** What the task asks of a model server, and of the ledgers. */
export interface PlanNeeds {
  readonly api: 'completions' | 'chat';
  readonly logprobs: boolean;
  readonly longestPromptChars: number;
  readonly maxTokens: number;
  /** Expected bytes in both ledgers together. */
  readonly ledgerBytes: number;
  readonly promptChars: number;
}

/** A job's plan: the blobs of its tasks' plans, in the order of the spec. */
export interface Plan {
  readonly v: 1;
  readonly job: string;
  readonly partition: string;
  readonly epoch: number;
  readonly tasks: readonly { readonly task: string; readonly plan: BlobRef }[];
}

export interface TaskCounts {
  readonly task: string;
  readonly samples: number;
  readonly scores: number;
}

/** Samples and scores that a complete task has in the two ledgers. */
export function countsOf(plan: Pick<TaskPlan, 'task' | 'docs' | 'repeats' | 'scoring'>): TaskCounts {
  const samples = plan.docs * plan.repeats;
  return { task: plan.task, samples, scores: plan.scoring.per === 'sample' ? samples : plan.docs };
}
