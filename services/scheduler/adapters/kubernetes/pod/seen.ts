import type { AssayError } from '@assay/lib/errors';
import type { OwnPod } from '../trim-pod.ts';
import type { PodPlan } from './plan.ts';

/** What a program inside a pod says of the folder that it fills or watches. */
export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number | null;
  readonly files: number;
  /** ISO 8601; null before it first grew. */
  readonly lastGrowth: string | null;
  readonly detail: string;
}

export interface WeightsSeen {
  readonly state: 'fetching' | 'complete' | 'failed';
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly progress: Progress | null;
  /** What the job's program left when it failed. */
  readonly fault: { readonly reason: string; readonly message: string } | null;
  /** Of its pod, when it does not run: no node, no image. */
  readonly pod: OwnPod | null;
}

/** Everything that is known of a server's start. */
export interface Seen {
  readonly nowMs: number;
  readonly plan: Pick<PodPlan, 'budgets' | 'weights' | 'device'>;
  /** When somebody first asked for the server, or its pod was made. */
  readonly askedAt: string;
  /** Why no node was chosen yet; empty once there is one. */
  readonly waits: string;
  readonly scheduleMs: number;
  /** Null where no job fetches them. */
  readonly weights: WeightsSeen | null;
  readonly pod: OwnPod | null;
  readonly cache: Progress | null;
  /** What asking the server gave the last time; null before the first answer or refusal. */
  readonly health: { readonly answers: boolean; readonly fault: AssayError | null } | null;
  /** When it was first warm since its container started, ISO 8601; null while it is not. */
  readonly warmAt: string | null;
  /** How often it had been started again when it was last warm; 0 when it never was. */
  readonly restartsWhenWarm: number;
}
