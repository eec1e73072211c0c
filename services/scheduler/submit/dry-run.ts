import type { Blob } from '@assay/lib/blob';
import type { Bus } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import type { BlobRef, PrepareValue, ShardRequests, TaskPlan, TaskSelection } from '@assay/lib/domain';
import { AssayError, REASONS, type Reason } from '@assay/lib/errors';
import type { Answers } from '../ports.ts';
import { dryRunIdOf } from './job-id.ts';
import type { shared } from './shared.ts';
import type { Checked } from './submit.ts';

export interface DryRunPorts {
  readonly bus: Bus;
  readonly blob: Blob;
  readonly answers: Answers;
  readonly clock: Clock;
  readonly partition: string;
  /** Two equal dry runs at once have one name, and the first to end would take the answers from the other. */
  readonly share: ReturnType<typeof shared<DryTask[]>>;
}

export interface DryTask {
  readonly name: string;
  readonly samples: number;
  readonly requests: number;
  readonly firstPrompt: string;
  readonly promptChars: number;
}

const POLL_MS = 50;

/** Renders every task through the runners as a job would, and stores no job. */
export async function dryRun(
  ports: DryRunPorts,
  tenant: string,
  checked: Checked,
  signal: AbortSignal,
): Promise<DryTask[]> {
  const bundle = await checked.store();
  const name = dryRunIdOf(tenant, { bundle, tasks: checked.tasks, seed: checked.seed });
  return ports.share(name, (halt) => render(ports, name, bundle, checked, halt), signal);
}

async function render(
  ports: DryRunPorts,
  name: string,
  bundle: BlobRef,
  checked: Checked,
  signal: AbortSignal,
): Promise<DryTask[]> {
  const queue = ports.bus.work(ports.partition).prepare;
  try {
    for (const selection of checked.tasks) {
      const { name: task, ...overrides } = selection;
      await queue.publish({ v: 1, job: name, task, bundle, seed: checked.seed, ...overrides });
    }
    const tasks: DryTask[] = [];
    for (const selection of checked.tasks) tasks.push(await rendered(ports, name, selection, signal));
    return tasks;
  } finally {
    await ports.answers.forget(name);
  }
}

async function rendered(
  ports: DryRunPorts,
  job: string,
  selection: TaskSelection,
  signal: AbortSignal,
): Promise<DryTask> {
  const value = await answered(ports, job, selection, signal);
  const plan = JSON.parse(Buffer.from(await ports.blob.get(value.plan)).toString('utf8')) as TaskPlan;
  return {
    name: selection.name,
    samples: value.samples,
    requests: plan.docs * plan.repeats,
    firstPrompt: await firstPrompt(ports, plan),
    promptChars: plan.needs.promptChars,
  };
}

async function answered(
  ports: DryRunPorts,
  job: string,
  selection: TaskSelection,
  signal: AbortSignal,
): Promise<PrepareValue> {
  for (;;) {
    const answer = ports.answers.prepared(job, selection.name);
    if (answer?.ok === true) return answer.value;
    if (answer?.ok === false) {
      throw new AssayError(reasonOf(answer.reason), answer.message, { violations: answer.violations });
    }
    await ports.clock.sleep(POLL_MS, signal);
  }
}

async function firstPrompt(ports: DryRunPorts, plan: TaskPlan): Promise<string> {
  for (const shard of plan.shards) {
    const { requests } = JSON.parse(
      Buffer.from(await ports.blob.get(shard.requests)).toString('utf8'),
    ) as ShardRequests;
    const first = requests.find((entry) => entry.doc === 0)?.request;
    if (first === undefined) continue;
    if (first.type === 'choices')
      return first.pairs
        .map((pair) => `${first.contexts[pair.context] ?? ''}${pair.continuation}`)
        .join('\n---\n');
    return typeof first.prompt === 'string'
      ? first.prompt
      : first.prompt.map((message) => `${message.role}: ${message.content}`).join('\n');
  }
  return '';
}

function reasonOf(text: string): Reason {
  return REASONS.find((reason) => reason === text) ?? 'INTERNAL';
}
