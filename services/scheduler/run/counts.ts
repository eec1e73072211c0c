import type { Ledger } from '@assay/lib/bus';
import type { JobRecord, TaskAmount, TaskPlan } from '@assay/lib/domain';
import type { Memory, RunPorts } from './context.ts';
import { etaSeconds, remember } from './eta.ts';

const PROGRESS_EVERY_MS = 500;

export interface Counts {
  readonly tasks: readonly TaskAmount[];
  readonly generated: number;
  readonly samples: number;
  readonly scored: number;
  readonly scores: number;
}

/** Asks both ledgers how far the job is, and lets every reader know. */
export async function look(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  plans: readonly TaskPlan[],
): Promise<Counts> {
  const tasks = await Promise.all(plans.map((plan) => amountOf(ports, memory, job, plan)));
  const sum = (amounts: readonly number[]) => amounts.reduce((a, b) => a + b, 0);
  const counts: Counts = {
    tasks,
    generated: sum(tasks.map((task) => task.generated)),
    scored: sum(tasks.map((task) => task.scored)),
    samples: sum(job.tasks.map((task) => task.counts?.samples ?? 0)),
    scores: sum(job.tasks.map((task) => task.counts?.scores ?? 0)),
  };
  await tell(ports, memory, job, counts);
  return counts;
}

async function amountOf(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  plan: TaskPlan,
): Promise<TaskAmount> {
  const counters = memory.counters.get(plan.task) ?? (await openCounters(ports, memory, job, plan));
  const [generated, scored] = await Promise.all([counters.generated.value(), counters.scored.value()]);
  return { task: plan.task, generated, scored };
}

async function openCounters(ports: RunPorts, memory: Memory, job: JobRecord, plan: TaskPlan) {
  const open = <T>(ledger: Ledger<T>, scope: { readonly kind: string } | { readonly epoch: number }) =>
    ledger.count(ledger.filter({ ...scope, job: job.id, task: plan.task }));
  const counters = {
    generated: await open(ports.bus.generations(job.partition), { kind: plan.kind }),
    scored: await open(ports.bus.scores(job.partition), { epoch: job.scoringEpoch }),
  };
  memory.counters.set(plan.task, counters);
  return counters;
}

async function tell(ports: RunPorts, memory: Memory, job: JobRecord, counts: Counts): Promise<void> {
  const nowMs = ports.clock.monotonic();
  const complete = counts.scored >= counts.scores;
  if (nowMs - memory.progressAtMs < PROGRESS_EVERY_MS && !complete) return;
  memory.progressAtMs = nowMs;
  // Two ledgers, one figure: a sample is half done when generated.
  memory.looks = remember(memory.looks, { atMs: nowMs, done: counts.generated + counts.scored });
  await ports.progress.put(job.id, {
    v: 1,
    tasks: counts.tasks,
    etaSeconds: etaSeconds(memory.looks, counts.samples + counts.scores),
    updatedAt: new Date(ports.clock.now()).toISOString(),
  });
}
