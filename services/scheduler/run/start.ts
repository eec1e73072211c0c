import type { JobRecord, TaskPlan } from '@assay/lib/domain';
import { advance, fail, plansOf, type Memory, type RunPorts } from './context.ts';

const RESEND_MS = 5_000;

/** STARTING → RUNNING when the server is ready, has what the job needs, and a jail is there for code. */
export async function starting(ports: RunPorts, memory: Memory, job: JobRecord): Promise<number> {
  const server = job.server === undefined ? null : ports.view(job.server);
  if (server?.phase === 'failed') {
    await fail(ports, job, server.fault?.reason ?? 'SERVER_START_FAILED', server.detail);
    return 0;
  }
  if (server?.phase !== 'ready') {
    if (server?.ownDeadline !== true && sinceLastEdgeMs(ports, job) > ports.limits.startMs) {
      await fail(
        ports,
        job,
        server?.fault?.reason ?? 'SERVER_START_FAILED',
        `not ready in time: ${server?.detail ?? 'no server'}`,
      );
    }
    return 50;
  }
  const plans = await plansOf(ports, memory, job);
  const jail = jailFor(ports, plans);
  if (jail.state === 'refused') {
    await fail(ports, job, 'CODE_EXECUTION_REFUSED', jail.detail);
    return 0;
  }
  if (jail.state === 'absent') {
    if (sinceLastEdgeMs(ports, job) > ports.limits.startMs)
      await fail(ports, job, 'UNAVAILABLE', jail.detail);
    return 200;
  }
  return check(ports, memory, job, plans);
}

async function check(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  plans: readonly TaskPlan[],
): Promise<number> {
  const answer = ports.answers.checked(job.id);
  if (answer === undefined) {
    await sendCheck(ports, memory, job);
    return 50;
  }
  if (!answer.ok) {
    const detail = [answer.message, ...answer.violations.map((v) => `${v.field}: ${v.message}`)].join('; ');
    await fail(ports, job, answer.reason, detail);
    return 0;
  }
  const samples = plans.reduce((sum, plan) => sum + plan.docs * plan.repeats, 0);
  const warnings = answer.value.warnings.length === 0 ? '' : `; ${answer.value.warnings.join('; ')}`;
  await advance(ports, job, {
    to: 'RUNNING',
    reason: 'SERVER_READY',
    detail: `${samples} samples to generate${warnings}`,
  });
  return 0;
}

async function sendCheck(ports: RunPorts, memory: Memory, job: JobRecord): Promise<void> {
  const queue = ports.bus.work(job.partition).check;
  const nowMs = ports.clock.monotonic();
  const sentAtMs = memory.sentAtMs.get('check');
  if (sentAtMs !== undefined && nowMs - sentAtMs < RESEND_MS) return;
  if (sentAtMs !== undefined && (await queue.outstanding({ job: job.id })) > 0) return;
  const tasks = job.tasks.flatMap((task) =>
    task.plan === undefined ? [] : [{ task: task.name, plan: task.plan }],
  );
  await queue.publish({ v: 1, job: job.id, server: job.server ?? '', tasks });
  memory.sentAtMs.set('check', nowMs);
}

function jailFor(
  ports: RunPorts,
  plans: readonly TaskPlan[],
): { readonly state: 'fine' } | { readonly state: 'absent' | 'refused'; readonly detail: string } {
  if (plans.every((plan) => plan.kind !== 'execute')) return { state: 'fine' };
  const jails = [...ports.workers.all()].flatMap((worker) =>
    worker.jail === undefined ? [] : [worker.jail],
  );
  if (jails.some((jail) => jail.executes)) return { state: 'fine' };
  const [first] = jails;
  if (first === undefined) return { state: 'absent', detail: 'no sandbox is there to execute code' };
  return {
    state: 'refused',
    detail: `the job has code tasks and every sandbox refuses code: its jail reaches tier ${first.tier} (${first.reason})`,
  };
}

function sinceLastEdgeMs(ports: RunPorts, job: JobRecord): number {
  const last = job.transitions.at(-1);
  return last === undefined ? 0 : ports.clock.now() - Date.parse(last.at);
}
