import type {
  CheckValue,
  JobProgress,
  JobRecord,
  PrepareValue,
  ServerRecord,
  StageAnswer,
  WorkerRecord,
} from '@assay/lib/domain';
import type { KvBucket } from './kv.ts';

/** Jobs by id. Written by the scheduler's leader (and by submit), by compare-and-set. */
export const JOBS: KvBucket<JobRecord> = { bucket: 'assay_jobs' };

/** Model servers by key. Written by the scheduler's leader. */
export const SERVERS: KvBucket<ServerRecord> = { bucket: 'assay_servers' };

/** What runners answer: `<job>.prepare.<task token>` and `<job>.check`. */
export const STAGES: KvBucket<StageAnswer<PrepareValue | CheckValue>> = { bucket: 'assay_stages' };

/** Who leads the schedulers: one key, gone 5 s after its holder stops renewing it. */
export const LEADER: KvBucket<{ readonly holder: string }> = { bucket: 'assay_leader', ttlMs: 5_000 };

/** Signs of life of runners, sandboxes and reporters. */
export const WORKERS: KvBucket<WorkerRecord> = { bucket: 'assay_workers', ttlMs: 15_000 };

const BUNDLE_LIFE_MS = 7 * 24 * 60 * 60_000;

/** Which tenant has uploaded which bundle: `<tenant>.<hash>`. Submit copies what a job needs, so none is kept for long. */
export const BUNDLES: KvBucket<{ readonly v: 1 }> = { bucket: 'assay_bundles', ttlMs: BUNDLE_LIFE_MS };

/** How far each job is, by job id. Written by the scheduler's leader. */
export const PROGRESS: KvBucket<JobProgress> = { bucket: 'assay_progress' };
