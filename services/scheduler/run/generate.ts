import type { JobRecord, ShardRef, TaskPlan } from '@assay/lib/domain';
import { advance, fail, plansOf, type Memory, type RunPorts } from './context.ts';
import { look, type Counts } from './counts.ts';
import { missingGenerations } from './audit.ts';
import { nextWindow } from './window.ts';

/** RUNNING: keeps a window of shards published, repairs what went missing; SCORING when all is generated. */
export async function running(ports: RunPorts, memory: Memory, job: JobRecord): Promise<number> {
  if (await serverLost(ports, memory, job)) return 0;
  const plans = await plansOf(ports, memory, job);
  // Asked before the counts: a shard leaves the queue only after its last generation is stored.
  const outstanding = await ports.bus.shards(job.partition).outstanding({ job: job.id });
  const counts = await look(ports, memory, job, plans);
  if (counts.generated >= counts.samples) {
    await advance(ports, job, {
      to: 'SCORING',
      reason: 'GENERATED',
      detail: `${counts.generated} generations are stored`,
    });
    return 0;
  }
  const published = await publishWindow(ports, job, plans, outstanding);
  if (outstanding === 0 && published === 0) await repair(ports, memory, job, plans, counts);
  return 100;
}

const FIRST_REPAIR_MS = 1_000;
const LONGEST_REPAIR_MS = 30_000;

// A shard that no runner can work off, such as one whose blob is gone, is dropped by each: it is not sent for ever.
async function repair(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  plans: readonly TaskPlan[],
  counts: Counts,
): Promise<void> {
  const nowMs = ports.clock.monotonic();
  const last = memory.repair?.done === counts.generated ? memory.repair : null;
  if (last !== null && nowMs < last.nextMs) return;
  const times = last?.times ?? 0;
  if (times >= ports.limits.mostAudits) return giveUp(ports, job, plans, counts, times);
  await repairGenerations(ports, memory, job, plans);
  const nextMs = nowMs + Math.min(LONGEST_REPAIR_MS, FIRST_REPAIR_MS * 2 ** times);
  memory.repair = { done: counts.generated, times: times + 1, nextMs };
}

async function giveUp(
  ports: RunPorts,
  job: JobRecord,
  plans: readonly TaskPlan[],
  counts: Counts,
  times: number,
): Promise<void> {
  const missing = `${counts.samples - counts.generated} generations are still missing after they were asked for again ${times} times`;
  for (const plan of plans) {
    for (const { n, requests, docs } of plan.shards) {
      for (const ref of [requests, docs]) {
        if (await ports.blob.has(ref)) continue;
        await fail(
          ports,
          job,
          'BLOB_MISSING',
          `${missing}: ${ref} of ${plan.task}, shard ${n}, is not there`,
        );
        return;
      }
    }
  }
  await fail(ports, job, 'AUDIT_INCOMPLETE', `${missing}; the runners' logs say why`);
}

async function publishWindow(
  ports: RunPorts,
  job: JobRecord,
  plans: readonly TaskPlan[],
  outstanding: number,
): Promise<number> {
  if (outstanding > ports.limits.windowShards / 2) return 0;
  const parts = nextWindow(job.tasks, ports.limits.windowShards - outstanding);
  if (parts.length === 0) return 0;
  // Written first: what a crash leaves unpublished is found as a gap and sent with `resume`.
  await ports.jobs.edit(job.id, (record) => ({
    ...record,
    epoch: ports.epoch,
    tasks: record.tasks.map((task) => {
      const part = parts.find((candidate) => candidate.task === task.name);
      return part === undefined ? task : { ...task, published: Math.max(task.published, part.to) };
    }),
  }));
  ports.crash.at('scheduler.window.recorded');
  let published = 0;
  for (const part of parts) {
    const plan = plans.find((candidate) => candidate.task === part.task);
    const shards = plan?.shards.slice(part.from, part.to) ?? [];
    if (plan !== undefined) await sendShards(ports, job, plan, shards, false);
    published += shards.length;
  }
  return published;
}

async function sendShards(
  ports: RunPorts,
  job: JobRecord,
  plan: TaskPlan,
  shards: readonly ShardRef[],
  resume: boolean,
): Promise<void> {
  const queue = ports.bus.shards(job.partition);
  await Promise.all(
    shards.map((shard) =>
      queue.publish({
        v: 1,
        job: job.id,
        task: plan.task,
        kind: plan.kind,
        n: shard.n,
        bucket: shard.bucket,
        server: job.server ?? '',
        requests: shard.requests,
        docs: shard.docs,
        samples: shard.samples,
        seed: job.spec.seed,
        maxConcurrency: job.spec.maxConcurrency,
        resume,
      }),
    ),
  );
}

/** Sends the shards of every bucket that lacks generations again; runners skip what is stored. */
export async function repairGenerations(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  plans?: readonly TaskPlan[],
): Promise<number> {
  let missing = 0;
  for (const plan of plans ?? (await plansOf(ports, memory, job))) {
    for await (const gap of missingGenerations(ports, job, plan)) {
      if (gap.missing.length === 0) continue;
      missing += gap.missing.length;
      const shards = plan.shards.filter((shard) => shard.bucket === gap.bucket);
      ports.log.warn(
        { job: job.id, task: plan.task, bucket: gap.bucket, missing: gap.missing.length },
        'generations missing; shards sent again',
      );
      await sendShards(ports, job, plan, shards, true);
    }
  }
  return missing;
}

/** A refusal can pass, such as of a proxy in front of the server that starts again: it must last this long. */
const REFUSED_MS = 30_000;

async function serverLost(ports: RunPorts, memory: Memory, job: JobRecord): Promise<boolean> {
  const view = job.server === undefined ? null : ports.view(job.server);
  // One that starts again is away for as long as its cluster allows.
  const comesBack = view?.phase === 'starting' && view.ownDeadline;
  if (view === null || view.phase === 'ready' || comesBack) {
    memory.away = null;
    return false;
  }
  const nowMs = ports.clock.monotonic();
  const refused = view.fault?.permanent === true;
  const { sinceMs, refusedSinceMs } = memory.away ?? { sinceMs: nowMs, refusedSinceMs: null };
  const away = { sinceMs, refusedSinceMs: refused ? (refusedSinceMs ?? nowMs) : null };
  memory.away = away;
  const lost = nowMs - away.sinceMs >= ports.limits.serverLostMs;
  if (!lost && (away.refusedSinceMs === null || nowMs - away.refusedSinceMs < REFUSED_MS)) return false;
  await fail(ports, job, 'SERVER_LOST', view.detail);
  return true;
}
