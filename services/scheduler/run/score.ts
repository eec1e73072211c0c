import { countsOf, type JobId, type JobRecord, type TaskPlan } from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import { advance, fail, plansOf, type Memory, type RunPorts } from './context.ts';
import { look, type Counts } from './counts.ts';
import { missingGenerations, missingScores } from './audit.ts';
import { repairGenerations } from './generate.ts';

const MOST_REPAIRS = 512;

/** SCORING: waits for the last scores, asks for those that nobody works on; AUDITING when their number is right. */
export async function scoring(ports: RunPorts, memory: Memory, job: JobRecord): Promise<number> {
  const plans = await plansOf(ports, memory, job);
  const counts = await look(ports, memory, job, plans);
  if (counts.scored >= counts.scores) {
    await advance(ports, job, {
      to: 'AUDITING',
      reason: 'SCORED',
      detail: `${counts.scored} scores are stored`,
    });
    return 0;
  }
  if (stalled(ports, memory, counts)) await askForScores(ports, job, plans);
  return 100;
}

function stalled(ports: RunPorts, memory: Memory, counts: Counts): boolean {
  const nowMs = ports.clock.monotonic();
  const { stall } = memory;
  if (stall === null || stall.done !== counts.scored) {
    memory.stall = { done: counts.scored, sinceMs: nowMs, waitMs: ports.limits.scoreStallMs };
    return false;
  }
  if (nowMs - stall.sinceMs < stall.waitMs) return false;
  memory.stall = { done: counts.scored, sinceMs: nowMs, waitMs: Math.min(stall.waitMs * 2, 300_000) };
  return true;
}

async function askForScores(ports: RunPorts, job: JobRecord, plans: readonly TaskPlan[]): Promise<number> {
  const queue = ports.bus.work(job.partition).score;
  let asked = 0;
  for (const plan of plans) {
    for await (const gap of missingScores(ports, job, plan)) {
      for (const { doc, repeat } of gap.missing.slice(0, Math.max(0, MOST_REPAIRS - asked))) {
        const first = repeat === 'all' ? 0 : repeat;
        await queue.publish({
          v: 1,
          job: job.id,
          task: plan.task,
          kind: plan.kind,
          epoch: job.scoringEpoch,
          doc,
          repeat: first,
        });
        asked += 1;
      }
    }
  }
  ports.log.warn({ job: job.id, asked }, 'scores missing; asked for again');
  return asked;
}

/** AUDITING: the subjects must be those of the plan, one by one; then the reporter's answer makes the job SUCCEEDED. */
export async function auditing(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  stop: AbortSignal,
): Promise<number> {
  const plans = await plansOf(ports, memory, job);
  if (!memory.audited && !(await audit(ports, memory, job, plans))) return 0;
  memory.audited = true;
  const endedAt = new Date(ports.clock.now()).toISOString();
  const cancelled = cancellation(ports, job.id);
  try {
    await ports.reporter.finalize(
      {
        job,
        plan: await storePlan(ports, job),
        counts: plans.map(countsOf),
        endedAt,
        provenance: provenanceOf(ports, job, plans),
      },
      AbortSignal.any([stop, cancelled.signal, AbortSignal.timeout(ports.limits.finalizeMs)]),
    );
  } catch (error) {
    if (cancelled.signal.aborted) return 0;
    const fault = AssayError.from(error);
    // A call that was given up, by this process or on the way, is no answer about the job.
    if (stop.aborted || fault.reason === 'CANCELLED')
      throw passing('UNAVAILABLE', 'the reporter was not waited for', fault);
    if (!fault.permanent) throw fault;
    await fail(ports, job, fault.reason, fault.message);
    return 0;
  } finally {
    cancelled.forget();
  }
  ports.crash.at('scheduler.reported');
  const total = plans.reduce((sum, plan) => sum + countsOf(plan).scores, 0);
  await advance(ports, job, {
    to: 'SUCCEEDED',
    reason: 'REPORTED',
    detail: `the audit found all ${total} scores once; the report is stored`,
  });
  return 0;
}

/** Aborts when the user cancels the job. */
function cancellation(
  ports: RunPorts,
  id: JobId,
): { readonly signal: AbortSignal; readonly forget: () => void } {
  const asked = new AbortController();
  const look = () => {
    if (ports.jobs.get(id)?.cancelRequested === true) asked.abort();
  };
  const forget = ports.jobs.onChange((changed) => changed === id && look());
  look();
  return { signal: asked.signal, forget };
}

/** True when complete; otherwise the repair is under way and the job has gone back, or has failed. */
async function audit(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  plans: readonly TaskPlan[],
): Promise<boolean> {
  const found = { generations: 0, scores: 0, unexpected: 0 };
  for (const plan of plans) {
    for await (const gap of missingGenerations(ports, job, plan)) {
      found.generations += gap.missing.length;
      found.unexpected += gap.unexpected;
    }
    for await (const gap of missingScores(ports, job, plan)) {
      found.scores += gap.missing.length;
      found.unexpected += gap.unexpected;
    }
  }
  ports.log.info({ job: job.id, ...found }, 'audit');
  if (
    found.unexpected > 0 ||
    (found.generations + found.scores > 0 && job.audits + 1 >= ports.limits.mostAudits)
  ) {
    const detail = `after ${job.audits + 1} audit(s): ${found.generations} generations and ${found.scores} scores missing, ${found.unexpected} subjects that the plan does not have`;
    await fail(ports, job, 'AUDIT_INCOMPLETE', detail);
    return false;
  }
  if (found.generations + found.scores === 0) return true;
  if (found.generations > 0) await repairGenerations(ports, memory, job, plans);
  else await askForScores(ports, job, plans);
  const to = found.generations > 0 ? 'RUNNING' : 'SCORING';
  const detail = `${found.generations} generations and ${found.scores} scores were missing and are asked for again`;
  await advance(ports, job, { to, reason: 'AUDIT_REPAIR', detail }, (record) => ({
    ...record,
    audits: record.audits + 1,
  }));
  return false;
}

async function storePlan(ports: RunPorts, job: JobRecord) {
  const tasks = job.tasks.map((task) => ({ task: task.name, plan: task.plan }));
  const plan = { v: 1, job: job.id, partition: job.partition, epoch: job.scoringEpoch, tasks };
  return ports.blob.put(Buffer.from(JSON.stringify(plan)));
}

function provenanceOf(ports: RunPorts, job: JobRecord, plans: readonly TaskPlan[]): Record<string, string> {
  const view = job.server === undefined ? null : ports.view(job.server);
  const jails = [...ports.workers.all()].flatMap((worker) =>
    worker.jail?.executes === true ? [worker.jail.tier] : [],
  );
  return {
    ...(view === null
      ? {}
      : { context_length: String(view.contextLength), server_restarts: String(view.restarts) }),
    ...(plans.some((plan) => plan.kind === 'execute') && jails.length > 0
      ? { jail_tier: String(Math.max(...jails)) }
      : {}),
    bundle: job.spec.bundle,
    request_id: job.spec.requestId,
  };
}
