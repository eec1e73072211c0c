import { JobState, type Job } from '@assay/proto/assay/v1/job';
import type { Result, TaskResult } from '@assay/proto/assay/v1/result';
import { startStack, uploadFiles, type Stack } from '../support/stack.ts';
import type { Context } from './context.ts';
import type { Endpoint } from './demo-server.ts';

export interface Evaluation {
  readonly endpoint: Endpoint;
  readonly task: string;
  /** Task files; without them the task is one of the catalog. */
  readonly files?: Readonly<Record<string, string>>;
  readonly limit?: number;
  /** Requests in flight at the server. */
  readonly concurrent: number;
  readonly timeoutMs: number;
}

/** The whole of Assay, for as long as the part runs. */
export async function startAssay(context: Context): Promise<Stack> {
  const stack = await startStack();
  context.keep(() => stack.stop());
  return stack;
}

let requests = 0;

/** One task, submitted and waited for, whatever its end. */
export async function runJob(stack: Stack, evaluation: Evaluation): Promise<Job> {
  const { endpoint, task, files, limit, concurrent, timeoutMs } = evaluation;
  const bundle = files === undefined ? '' : await uploadFiles(stack, files);
  const { id } = await stack.submit({
    requestId: `real-${(requests += 1)}`,
    target: {
      $case: 'endpoint',
      value: { baseUrl: endpoint.url, model: endpoint.model, apiKey: '' },
    },
    tasks: [{ name: task, genKwargsJson: '', ...(limit === undefined ? {} : { limit }) }],
    bundle,
    maxConcurrency: concurrent,
  });
  return stack.finished(id, timeoutMs);
}

/** One task that must succeed, with its final result. */
export async function evaluate(stack: Stack, evaluation: Evaluation): Promise<Result> {
  const job = await runJob(stack, evaluation);
  if (job.state !== JobState.SUCCEEDED) throw new Error(`${evaluation.task} ended ${endOf(job)}`);
  return stack.result(job.id);
}

/** State and reason in words. */
export function endOf(job: Job): string {
  return `${job.state} (${job.reason}): ${job.detail}`;
}

/** What a task of a result lacks of having every one of its samples scored. */
export function coverageFaults(scores: TaskResult | undefined, samples: number): readonly string[] {
  if (Number(scores?.scored) === samples && Number(scores?.unscored) === 0) return [];
  const reasons = scores?.unscoredReasons.map(({ reason, count }) => `${count} ${reason}`).join(', ');
  return [`${scores?.scored ?? 0} of ${samples} scored; unscored: ${reasons ?? ''}`];
}
