import type { BlobRef, JobId } from './ids.ts';
import type { TaskCounts } from './plan.ts';
import type { StartPhase } from './server.ts';

export const JOB_STATES = [
  'SUBMITTED',
  'PREPARING',
  'QUEUED',
  'STARTING',
  'RUNNING',
  'SCORING',
  'AUDITING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export function isTerminal(state: JobState): boolean {
  return state === 'SUCCEEDED' || state === 'FAILED' || state === 'CANCELLED';
}

/** Where the model is served: from the catalog (Assay starts it) or at an endpoint that the user names. */
export type ModelTarget =
  | { readonly type: 'catalog'; readonly model: string; readonly device: string }
  | { readonly type: 'endpoint'; readonly baseUrl: string; readonly model: string; readonly secret?: string };

export interface TaskSelection {
  readonly name: string;
  readonly limit?: number;
  readonly numFewshot?: number;
  /** Merged over the task's `generation_kwargs`. */
  readonly genKwargs?: Readonly<Record<string, unknown>>;
}

/** What was asked, after validation; never changes. */
export interface JobSpec {
  readonly tenant: string;
  readonly requestId: string;
  readonly target: ModelTarget;
  readonly tasks: readonly TaskSelection[];
  /** Bundle that holds every task file the job needs. */
  readonly bundle: BlobRef;
  readonly seed: number;
  /** SHA-256 of the submitted message, so that one `request_id` cannot carry two contents. */
  readonly contentHash: string;
  readonly maxConcurrency: number;
}

export interface Transition {
  readonly from: JobState | null;
  readonly to: JobState;
  /** UPPER_SNAKE. */
  readonly reason: string;
  readonly detail: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Leader epoch that wrote this edge. */
  readonly epoch: number;
}

export interface JobTask {
  readonly name: string;
  readonly plan?: BlobRef;
  readonly counts?: TaskCounts;
  /** How many of the plan's shards have been, or may have been, published: written before they are. */
  readonly published: number;
  readonly shards?: number;
}

/** What is known of a server's start. */
export interface StartedServer {
  readonly node: string;
  readonly start: readonly StartPhase[];
}

/** The value of a job in the KV `assay_jobs`, changed by compare-and-set only. */
export interface JobRecord {
  readonly v: 1;
  readonly id: JobId;
  readonly partition: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly reason: string;
  readonly detail: string;
  readonly transitions: readonly Transition[];
  readonly tasks: readonly JobTask[];
  readonly server?: string;
  /** How its model server had started, and where, when the job left STARTING. */
  readonly started?: StartedServer;
  /** Bytes reserved in the ledgers while the job is admitted. */
  readonly reservedBytes: number;
  readonly scoringEpoch: number;
  readonly epoch: number;
  readonly createdAt: string;
  readonly cancelRequested: boolean;
  readonly purged: boolean;
  readonly audits: number;
}
