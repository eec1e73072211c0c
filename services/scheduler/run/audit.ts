import type { Ledger } from '@assay/lib/bus';
import type { JobRecord, TaskPlan } from '@assay/lib/domain';
import type { RunPorts } from './context.ts';
import { buckets, compare, type Found, type Missing } from './gaps.ts';

export interface Gap {
  readonly bucket: number;
  readonly missing: readonly Missing[];
  readonly unexpected: number;
}

/** Lists a task's generations bucket by bucket and compares them with its plan. */
export async function* missingGenerations(
  ports: RunPorts,
  job: JobRecord,
  plan: TaskPlan,
): AsyncGenerator<Gap> {
  const ledger = ports.bus.generations(job.partition);
  for (const range of buckets(plan.docs)) {
    const filter = ledger.filter({ kind: plan.kind, job: job.id, task: plan.task, bucket: range.bucket });
    yield { bucket: range.bucket, ...(await compare(range, plan, 'sample', found(ledger, filter))) };
  }
}

/** The same for its scores. */
export async function* missingScores(ports: RunPorts, job: JobRecord, plan: TaskPlan): AsyncGenerator<Gap> {
  const ledger = ports.bus.scores(job.partition);
  for (const range of buckets(plan.docs)) {
    const filter = ledger.filter({
      epoch: job.scoringEpoch,
      job: job.id,
      task: plan.task,
      bucket: range.bucket,
    });
    yield { bucket: range.bucket, ...(await compare(range, plan, plan.scoring.per, found(ledger, filter))) };
  }
}

async function* found<T>(ledger: Ledger<T>, filter: string): AsyncGenerator<Iterable<Found>> {
  for await (const subjects of ledger.list(filter)) yield read(ledger, subjects);
}

function* read<T>(ledger: Ledger<T>, subjects: Iterable<string>): Generator<Found> {
  for (const subject of subjects) {
    const parts = ledger.parse(subject);
    if (parts !== null) yield parts;
  }
}
