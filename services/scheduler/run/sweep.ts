import { isTerminal, type JobId, type JobRecord } from '@assay/lib/domain';
import type { RunPorts } from './context.ts';
import type { Secrets } from '../ports.ts';

export interface SweepPorts extends Pick<
  RunPorts,
  'bus' | 'jobs' | 'answers' | 'progress' | 'clock' | 'log' | 'epoch'
> {
  readonly secrets: Secrets;
  readonly retentionMs: number;
  /** A late worker may store once more after a job was cancelled: its subjects are purged again this much later. */
  readonly lateMs: number;
}

/** What the sweep remembers: whose work it has cleared, and since when it has seen answers that no job waits for. */
export interface SweepMemory {
  readonly cleared: Set<JobId>;
  readonly strays: Map<string, number>;
}

export function emptySweepMemory(): SweepMemory {
  return { cleared: new Set(), strays: new Map() };
}

/** Clears up after finished jobs: what waits in queues, endpoint keys, and, after their retention, their subjects. */
export async function sweep(ports: SweepPorts, memory: SweepMemory): Promise<void> {
  const { cleared } = memory;
  // First: a purge that fails must keep no key.
  await sweepSecrets(ports);
  for (const job of ports.jobs.all()) {
    if (!isTerminal(job.state) || job.purged) continue;
    if (!cleared.has(job.id)) {
      await clearWork(ports, job);
      if (job.state === 'CANCELLED') await purgeSubjects(ports, job);
      cleared.add(job.id);
    }
    const keepMs = job.state === 'CANCELLED' ? ports.lateMs : ports.retentionMs;
    if (endedMsAgo(ports, job) >= keepMs) await giveUp(ports, job.id);
  }
  await sweepAnswers(ports, memory.strays);
}

/** Purges a finished job's subjects and says so in its record. */
export async function giveUp(ports: SweepPorts, id: JobId): Promise<void> {
  const job = ports.jobs.get(id);
  if (job === undefined || !isTerminal(job.state) || job.purged) return;
  await clearWork(ports, job);
  await purgeSubjects(ports, job);
  await ports.progress.delete(id);
  await ports.jobs.edit(id, (record) => ({ ...record, purged: true, epoch: ports.epoch }));
}

async function clearWork(ports: SweepPorts, job: JobRecord): Promise<void> {
  const work = ports.bus.work(job.partition);
  for (const queue of [ports.bus.shards(job.partition), work.prepare, work.check, work.score]) {
    await queue.purge({ job: job.id });
  }
  await ports.answers.forget(job.id);
}

async function purgeSubjects(ports: SweepPorts, job: JobRecord): Promise<void> {
  const [generations, scores] = [ports.bus.generations(job.partition), ports.bus.scores(job.partition)];
  const purged =
    (await generations.purge(generations.filter({ job: job.id }))) +
    (await scores.purge(scores.filter({ job: job.id })));
  ports.log.info({ job: job.id, purged }, 'subjects purged');
}

/** Long after a job was stored, or a dry run began, what none of them names is nobody's. */
const STRAY_MS = 60 * 60_000;

// The key of an endpoint lives no longer than its job.
async function sweepSecrets(ports: SweepPorts): Promise<void> {
  for (const { name, writtenMs } of await ports.secrets.list()) {
    const job = ports.jobs.get(name);
    const over = job === undefined ? ports.clock.now() - writtenMs > STRAY_MS : isTerminal(job.state);
    if (over) await ports.secrets.delete(name);
  }
}

// A runner answers late: after a dry run was given up, or after its job was over and cleared.
async function sweepAnswers(ports: SweepPorts, strays: Map<string, number>): Promise<void> {
  const names = new Set(ports.answers.names());
  for (const name of strays.keys()) if (!names.has(name)) strays.delete(name);
  for (const name of names) {
    const job = ports.jobs.get(name);
    if (job !== undefined && !isTerminal(job.state)) continue;
    const sinceMs = strays.get(name) ?? ports.clock.now();
    strays.set(name, sinceMs);
    if (ports.clock.now() - sinceMs > STRAY_MS) await ports.answers.forget(name);
  }
}

function endedMsAgo(ports: SweepPorts, job: JobRecord): number {
  const last = job.transitions.at(-1);
  return last === undefined ? Number.POSITIVE_INFINITY : ports.clock.now() - Date.parse(last.at);
}
