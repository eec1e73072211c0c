import { createHash } from 'node:crypto';
import type { TaskPlan } from '@assay/lib/domain';
import type { Clock } from '@assay/lib/clock';
import { AssayError, passing } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import type {
  Blobs,
  FinalRequest,
  FinalResult,
  Generations,
  ReportDraft,
  ReportFile,
  Reports,
  Results,
  TaskKey,
} from '../ports.ts';
import { filtersOf } from './columns.ts';
import { bucketLines, bucketsOf } from './join.ts';
import { reportMarkdown } from './markdown.ts';
import { measureTask } from './measure.ts';
import { readPlan, readShard } from './plan.ts';
import { resultsJson, type TaskReport } from './results-json.ts';

export interface FinalizeOptions {
  readonly results: Results;
  readonly generations: Generations;
  readonly blobs: Blobs;
  readonly reports: Reports;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to wait for scores that are on their way. */
  readonly waitMs: number;
}

/**
 * Computes a job's results from all its stored scores in (task, doc, repeat) order and stores the report, whole or not
 * at all. A scoring that is final already is answered from what is stored. Throws UNAVAILABLE (passing) while scores
 * or answers are missing, INVALID_REQUEST for a plan that is not the job's, BLOB_STORE_FULL, DATABASE_UNAVAILABLE.
 */
export async function finalize(options: FinalizeOptions, request: FinalRequest): Promise<FinalResult> {
  const run = await options.results.run(request.job);
  if (run?.final && run.final.epoch >= request.epoch) return run.final;
  const { tasks } = await readPlan(options.blobs, request.plan, request.job);
  refuseUncounted(request, tasks);
  await scoresStored(options, request);
  const draft = await options.reports.begin(request.job);
  try {
    return await writeReport(options, request, tasks, draft);
  } finally {
    await draft.discard();
  }
}

async function writeReport(
  options: FinalizeOptions,
  request: FinalRequest,
  plans: readonly TaskPlan[],
  draft: ReportDraft,
): Promise<FinalResult> {
  const date = fileDate(request.endMs);
  const reports: (TaskReport & { firstPrompt: string; file: string })[] = [];
  for (const plan of plans) {
    const key = { job: request.job, epoch: request.epoch, task: plan.task };
    const measure = await measureTask(options.results, key, plan, expectedScores(request, plan));
    const file = `samples_${fileName(plan.task)}_${date}.jsonl`;
    const hash = await writeSamples(options, request, plan, draft, file);
    reports.push({ plan, measure, hash, file, firstPrompt: await firstPrompt(options.blobs, plan) });
  }
  const json = resultsJson(request, reports);
  const resultsFile = `results_${date}.json`;
  await draft.append(resultsFile, json);
  const sizes = await draft.files();
  const markdown = reportMarkdown({ request, tasks: reports, files: sizes });
  await draft.append('report.md', markdown);
  const files = (await draft.commit()).map((file): ReportFile => {
    const task = reports.find((report) => report.file === file.name)?.plan.task;
    return task === undefined ? file : { ...file, task };
  });
  const result = {
    job: request.job,
    epoch: request.epoch,
    model: request.model,
    tasks: reports.map(({ measure }) => measure.result),
    resultsJson: json,
    markdown,
    files,
  };
  await options.results.finish(result, options.clock.now());
  return result;
}

/** Writes a task's samples file, pipeline by pipeline as lm-evaluation-harness does; gives the task's hash. */
async function writeSamples(
  options: FinalizeOptions,
  request: FinalRequest,
  plan: TaskPlan,
  draft: ReportDraft,
  file: string,
): Promise<string> {
  const key: TaskKey = { job: request.job, epoch: request.epoch, task: plan.task };
  const parts = filtersOf(plan.scoring).map((_, i) => `${file}.${i}`);
  const hashes = `${file}.hashes`;
  await draft.append(file, '');
  for (const shards of bucketsOf(plan)) {
    const spool = await options.reports.spool();
    try {
      const join = { ...options, partition: request.partition, key, plan, complete: true };
      for await (const entry of bucketLines(join, shards, spool)) {
        await draft.append(hashes, entry.hashes);
        for (const [i, part] of parts.entries()) await draft.append(part, `${entry.lines[i] ?? ''}\n`);
      }
    } finally {
      await spool.close();
    }
  }
  const sum = createHash('sha256');
  for (const _ of parts) for await (const bytes of draft.read(hashes)) sum.update(bytes);
  await draft.remove(hashes);
  await draft.join(file, parts);
  return sum.digest('hex');
}

// The ledger's audit is done when Finalize comes; the fold may be a moment behind.
async function scoresStored(options: FinalizeOptions, request: FinalRequest): Promise<void> {
  const end = options.clock.monotonic() + options.waitMs;
  for (;;) {
    const totals = await options.results.totals(request.job, request.epoch);
    const missing = request.counts.flatMap(({ task, scores }) => {
      const found = totals.find((entry) => entry.task === task);
      const stored = found === undefined ? 0 : found.scored + found.unscored;
      return stored >= scores ? [] : [`${task}: ${stored} of ${scores}`];
    });
    if (missing.length === 0) return;
    if (options.clock.monotonic() >= end) {
      throw passing('UNAVAILABLE', `scores are still being stored (${missing.join(', ')})`);
    }
    await options.clock.sleep(50);
  }
}

function refuseUncounted({ counts }: FinalRequest, plans: readonly TaskPlan[]): void {
  const uncounted = plans.map(({ task }) => task).filter((name) => !counts.some(({ task }) => task === name));
  if (uncounted.length === 0) return;
  const message = `must name every task of the plan; missing: ${uncounted.join(', ')}`;
  throw new AssayError('INVALID_REQUEST', `counts ${message}`, {
    violations: [{ field: 'counts', message }],
  });
}

function expectedScores(request: FinalRequest, plan: TaskPlan): number {
  return request.counts.find(({ task }) => task === plan.task)?.scores ?? 0;
}

async function firstPrompt(blobs: Blobs, plan: TaskPlan): Promise<string> {
  for (const shard of plan.shards.filter(({ bucket }) => bucket === 0)) {
    const { requests } = await readShard(blobs, shard);
    const request = requests.requests.find(({ doc }) => doc === 0)?.request;
    if (request === undefined) continue;
    if (request.type === 'choices')
      return `${request.contexts[0] ?? ''}${request.pairs[0]?.continuation ?? ''}`;
    if (typeof request.prompt === 'string') return request.prompt;
    return request.prompt.map(({ role, content }) => `${role}: ${content}`).join('\n');
  }
  return '';
}

/** The job's end as lm-evaluation-harness writes dates in file names, in UTC. */
function fileDate(endMs: number): string {
  return new Date(endMs).toISOString().replace('Z', '000').replaceAll(':', '-');
}

/** A task's name as part of a file name; a name that has to change keeps apart from others by its hash. */
function fileName(task: string): string {
  const safe = task.replace(/[^\w.:@+-]/g, '_').slice(0, 120);
  if (safe === task && !task.startsWith('.')) return task;
  return `${safe}-${createHash('sha256').update(task).digest('hex').slice(0, 8)}`;
}
