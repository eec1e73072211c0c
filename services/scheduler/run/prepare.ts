import type { JobRecord, JobTask, PrepareValue, StageAnswer } from '@assay/lib/domain';
import { advance, fail, type Memory, type RunPorts } from './context.ts';

const RESEND_MS = 5_000;

/** SUBMITTED → PREPARING: every task is handed to the runners. */
export async function submitted(ports: RunPorts, memory: Memory, job: JobRecord): Promise<number> {
  await sendPrepare(ports, memory, job, job.tasks);
  await advance(ports, job, {
    to: 'PREPARING',
    reason: 'PREPARE',
    detail: `${job.tasks.length} task(s) are rendered`,
  });
  return 0;
}

/** PREPARING → QUEUED when every task has its plan; FAILED with what a runner found wrong. */
export async function preparing(ports: RunPorts, memory: Memory, job: JobRecord): Promise<number> {
  const answers = job.tasks.map((task) => ports.answers.prepared(job.id, task.name));
  const refused = answers.find((answer) => answer?.ok === false);
  if (refused?.ok === false) {
    const detail = [refused.message, ...refused.violations.map((v) => `${v.field}: ${v.message}`)].join('; ');
    await fail(ports, job, refused.reason, detail);
    return 0;
  }
  const open = job.tasks.filter((_, i) => answers[i] === undefined);
  if (open.length > 0) {
    await resendLost(ports, memory, job, open);
    await sayWhyItWaits(ports, memory, job, open);
    return 50;
  }
  const tasks = job.tasks.map((task, i) => withPlan(task, answers[i]));
  const samples = tasks.reduce((sum, task) => sum + (task.counts?.samples ?? 0), 0);
  const reservedBytes = answers.reduce(
    (sum, answer) => sum + (answer?.ok === true ? answer.value.ledgerBytes : 0),
    0,
  );
  await advance(
    ports,
    job,
    { to: 'QUEUED', reason: 'WAITING_FOR_PLACE', detail: `${samples} samples are rendered` },
    (record) => ({ ...record, tasks, reservedBytes }),
  );
  return 0;
}

function withPlan(task: JobTask, answer: StageAnswer<PrepareValue> | undefined): JobTask {
  if (answer?.ok !== true) return task;
  const { plan, samples, scores, shards } = answer.value;
  return { ...task, plan, shards, counts: { task: task.name, samples, scores } };
}

async function sendPrepare(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  tasks: readonly JobTask[],
): Promise<void> {
  const queue = ports.bus.work(job.partition).prepare;
  for (const { name } of tasks) {
    const selection = job.spec.tasks.find((selected) => selected.name === name);
    if (selection === undefined) throw new Error(`job ${job.id} has no selection for task ${name}`);
    const { limit, numFewshot, genKwargs } = selection;
    await queue.publish({
      v: 1,
      job: job.id,
      task: name,
      bundle: job.spec.bundle,
      seed: job.spec.seed,
      ...(limit === undefined ? {} : { limit }),
      ...(numFewshot === undefined ? {} : { numFewshot }),
      ...(genKwargs === undefined ? {} : { genKwargs }),
    });
  }
  memory.sentAtMs.set('prepare', ports.clock.monotonic());
}

// An item that nobody holds and nobody answered went with its worker: preparing again gives the same blobs.
async function resendLost(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  open: readonly JobTask[],
): Promise<void> {
  const nowMs = ports.clock.monotonic();
  if (nowMs - (memory.sentAtMs.get('prepare') ?? 0) < RESEND_MS) return;
  if ((await ports.bus.work(job.partition).prepare.outstanding({ job: job.id })) > 0) return;
  await sendPrepare(ports, memory, job, open);
}

// A job that waits for somebody who is not there says so.
async function sayWhyItWaits(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  open: readonly JobTask[],
): Promise<void> {
  const sentAtMs = memory.sentAtMs.get('prepare') ?? ports.clock.monotonic();
  if (ports.clock.monotonic() - sentAtMs < RESEND_MS) return;
  const runners = [...ports.workers.all()].filter((worker) => worker.service === 'runner').length;
  const detail = `${open.length} of ${job.tasks.length} task(s) still to be rendered${runners === 0 ? '; no runner is there to do it' : ''}`;
  if (job.detail === detail) return;
  await ports.jobs.edit(job.id, (record) =>
    record.state === 'PREPARING' ? { ...record, detail, epoch: ports.epoch } : null,
  );
}
