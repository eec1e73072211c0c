import { parseJson } from '@assay/lib/tasks';
import type { JobRecord, TaskPlan } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Blobs, FinalResult, Generations, Jobs, Reports, Results } from '../ports.ts';
import { bucketLines, bucketsOf } from './join.ts';
import { readJson } from './plan.ts';

export interface StreamOptions {
  readonly results: Pick<Results, 'run' | 'rowsOf'>;
  readonly generations: Generations;
  readonly blobs: Blobs;
  readonly reports: Pick<Reports, 'lines' | 'spool'>;
  readonly jobs: Jobs;
}

export interface SampleFilter {
  /** Empty means every task. */
  readonly task: string;
  /** Only lines whose first metric is 0. */
  readonly failedOnly: boolean;
  /** Only lines without a score. */
  readonly unscoredOnly: boolean;
}

export interface SampleLine {
  readonly task: string;
  readonly json: string;
}

/**
 * A job's samples in document order: from the report when it is final, else what is scored so far, from ledger and
 * database. Throws NOT_FOUND for a job, a task or a report file that is not there.
 */
export async function* streamSamples(
  options: StreamOptions,
  job: string,
  filter: SampleFilter,
): AsyncIterable<SampleLine> {
  const run = await options.results.run(job);
  const lines =
    run !== null && run.final !== null
      ? finalLines(options, run.final, filter.task)
      : liveLines(options, await recordOf(options.jobs, job), filter.task);
  for await (const line of lines) if (passes(line.json, filter)) yield line;
}

async function* finalLines(
  { reports }: StreamOptions,
  final: FinalResult,
  task: string,
): AsyncIterable<SampleLine> {
  const files = final.files.filter((file) => file.task !== undefined && (task === '' || file.task === task));
  if (files.length === 0) throw noTask(final.job, task);
  for (const file of files) {
    for await (const json of reports.lines(file.path)) yield { task: file.task ?? '', json };
  }
}

async function* liveLines(
  options: StreamOptions,
  record: JobRecord,
  task: string,
): AsyncIterable<SampleLine> {
  const tasks = record.tasks.filter(({ name }) => task === '' || name === task);
  if (tasks.length === 0) throw noTask(record.id, task);
  for (const { name, plan: ref } of tasks) {
    if (ref === undefined) continue;
    const plan = await readJson<TaskPlan>(options.blobs, ref);
    const key = { job: record.id, epoch: record.scoringEpoch, task: name };
    for (const shards of bucketsOf(plan)) {
      const spool = await options.reports.spool();
      try {
        const join = { ...options, partition: record.partition, key, plan, complete: false };
        for await (const { lines } of bucketLines(join, shards, spool)) {
          for (const json of lines) yield { task: name, json };
        }
      } finally {
        await spool.close();
      }
    }
  }
}

async function recordOf(jobs: Jobs, job: string): Promise<JobRecord> {
  const record = await jobs.get(job);
  if (record === null) throw new AssayError('NOT_FOUND', `there is no job ${job}`);
  return record;
}

function passes(json: string, { failedOnly, unscoredOnly }: SampleFilter): boolean {
  if (!failedOnly && !unscoredOnly) return true;
  const line = parseJson(json);
  if (!(line instanceof Map)) return false;
  const metrics = line.get('metrics');
  const [first] = Array.isArray(metrics) ? metrics : [];
  if (unscoredOnly) return first === undefined;
  return typeof first === 'string' && Number(numberOf(line.get(first))) === 0;
}

function numberOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'value' in value
    ? value.value
    : (value ?? Number.NaN);
}

function noTask(job: string, task: string): AssayError {
  return new AssayError(
    'NOT_FOUND',
    task === '' ? `job ${job} has no samples` : `job ${job} has no task ${task}`,
  );
}
