import type { Blob } from '@assay/lib/blob';
import type { Bus, Counter } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import type { BlobRef, JobRecord, TaskPlan } from '@assay/lib/domain';
import type { CrashPoints } from '@assay/lib/faults';
import type { Log } from '@assay/lib/log';
import type { Answers, Jobs, Progress, Reporter, ServerView, Workers } from '../ports.ts';
import { take, type Edge } from './edges.ts';
import type { Look } from './eta.ts';

/** What driving a job needs of the world. */
export interface RunPorts {
  readonly bus: Bus;
  readonly blob: Blob;
  readonly jobs: Jobs;
  readonly answers: Answers;
  readonly workers: Workers;
  readonly progress: Progress;
  readonly reporter: Reporter;
  readonly view: (serverKey: string) => ServerView | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly crash: CrashPoints;
  readonly epoch: number;
  readonly limits: RunLimits;
  readonly onEdge: (from: JobRecord, to: JobRecord) => void;
}

export interface RunLimits {
  /** Shards of a job that may wait or be in hand at once. */
  readonly windowShards: number;
  readonly startMs: number;
  readonly serverLostMs: number;
  /** How long nothing may move before missing scores are looked for. */
  readonly scoreStallMs: number;
  readonly finalizeMs: number;
  /** Of a job; also how often in a row generations are asked for again without one more. */
  readonly mostAudits: number;
}

/** What is remembered of a job between two steps; all of it can be found again after a crash. */
export interface Memory {
  readonly plans: Map<BlobRef, TaskPlan>;
  readonly counters: Map<string, { readonly generated: Counter; readonly scored: Counter }>;
  looks: readonly Look[];
  progressAtMs: number;
  /** Since when a count stands still, and how long to wait before the next repair. */
  stall: { readonly done: number; readonly sinceMs: number; readonly waitMs: number } | null;
  /** How often generations were asked for again in a row without one more of them, and when that may be done next. */
  repair: { readonly done: number; readonly times: number; readonly nextMs: number } | null;
  /** When a work item was last sent, by its verb. */
  readonly sentAtMs: Map<'prepare' | 'check', number>;
  /** Since when the job's server is away, and since when it refuses for good. */
  away: { readonly sinceMs: number; readonly refusedSinceMs: number | null } | null;
  audited: boolean;
}

export function emptyMemory(): Memory {
  return {
    plans: new Map(),
    counters: new Map(),
    looks: [],
    progressAtMs: 0,
    stall: null,
    repair: null,
    sentAtMs: new Map(),
    away: null,
    audited: false,
  };
}

/** Takes an edge unless the job has moved meanwhile; gives the record as it is afterwards. */
export async function advance(
  ports: RunPorts,
  job: JobRecord,
  edge: Edge,
  with_: (record: JobRecord) => JobRecord = (record) => record,
): Promise<JobRecord> {
  let moved: readonly [JobRecord, JobRecord] | null = null;
  const at = new Date(ports.clock.now()).toISOString();
  const record = await ports.jobs.edit(job.id, (latest) => {
    moved = null;
    if (latest.state !== job.state) return null;
    const next = take(with_(withStart(ports, latest)), edge, at, ports.epoch);
    moved = [latest, next];
    return next;
  });
  if (moved !== null) {
    ports.log.info(
      { job: job.id, from: job.state, to: edge.to, reason: edge.reason, detail: edge.detail },
      'job moved',
    );
    ports.onEdge(moved[0], moved[1]);
    ports.crash.at(`scheduler.edge.${edge.to}`);
  }
  return record;
}

/** Keeps how the server started: its pod may be gone when somebody wants to know. */
function withStart(ports: RunPorts, job: JobRecord): JobRecord {
  const view = job.state === 'STARTING' && job.server !== undefined ? ports.view(job.server) : null;
  if (view === null || view.start.length === 0) return job;
  return { ...job, started: { node: view.node ?? '', start: view.start } };
}

export function fail(ports: RunPorts, job: JobRecord, reason: string, detail: string): Promise<JobRecord> {
  return advance(ports, job, { to: 'FAILED', reason, detail: detail.slice(0, 4_000) });
}

export async function planOf(ports: RunPorts, memory: Memory, ref: BlobRef): Promise<TaskPlan> {
  const known = memory.plans.get(ref);
  if (known !== undefined) return known;
  const plan = JSON.parse(Buffer.from(await ports.blob.get(ref)).toString('utf8')) as TaskPlan;
  memory.plans.set(ref, plan);
  return plan;
}

export async function plansOf(ports: RunPorts, memory: Memory, job: JobRecord): Promise<TaskPlan[]> {
  return Promise.all(
    job.tasks.flatMap((task) => (task.plan === undefined ? [] : [planOf(ports, memory, task.plan)])),
  );
}

export async function forget(memory: Memory): Promise<void> {
  const counters = [...memory.counters.values()];
  memory.counters.clear();
  await Promise.allSettled(counters.flatMap(({ generated, scored }) => [generated.close(), scored.close()]));
}
