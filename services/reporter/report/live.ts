import type { JobRecord, Scoring, ShardDocs } from '@assay/lib/domain';
import type {
  Blobs,
  MetricResult,
  MetricSums,
  PassCount,
  Results,
  TaskResult,
  TaskTotals,
} from '../ports.ts';
import { columnsOf, type Column } from './columns.ts';
import { readJson } from './plan.ts';
import { metricResult } from './metric.ts';
import { Deviations, OrderedMean, passAtK, stderrOfSums } from './stats.ts';

export interface LiveOptions {
  readonly results: Pick<Results, 'totals' | 'passCounts'>;
  readonly blobs: Blobs;
}

/** Results of a job whose scores still arrive, from the running totals: no sample is read. */
export async function liveTasks(
  options: LiveOptions,
  job: string,
  record: JobRecord | null,
): Promise<readonly TaskResult[]> {
  const totals = await options.results.totals(job);
  const named = (record?.tasks ?? []).map(({ name }) => name);
  const others = totals.map(({ task }) => task).filter((task) => !named.includes(task));
  const results: TaskResult[] = [];
  for (const task of [...named, ...others]) {
    const known = totals.find((entry) => entry.task === task);
    const scores = record?.tasks.find(({ name }) => name === task)?.counts?.scores ?? 0;
    results.push(known === undefined ? nothingYet(task, scores) : await liveTask(options, known, scores));
  }
  return results;
}

async function liveTask(options: LiveOptions, totals: TaskTotals, expected: number): Promise<TaskResult> {
  const { scoring } = await readJson<ShardDocs>(options.blobs, totals.docs);
  const metrics: MetricResult[] = [];
  for (const column of columnsOf(scoring, scoring.metrics)) {
    const metric =
      column.k === undefined
        ? meanMetric(column, totals.metrics[column.source])
        : passMetric(column, column.k, await options.results.passCounts(totals, column.source));
    if (metric !== null) metrics.push(metric);
  }
  return {
    task: totals.task,
    metrics,
    docs: documents(scoring, expected),
    expected,
    scored: totals.scored,
    unscored: totals.unscored,
    promptTokens: totals.promptTokens,
    completionTokens: totals.completionTokens,
    truncatedPrompts: totals.truncatedPrompts,
    reasons: totals.reasons,
  };
}

function meanMetric(column: Column, sums: MetricSums | undefined): MetricResult | null {
  if (sums === undefined || sums.n === 0) return null;
  const value = sums.sum / sums.n;
  // Sums of 0s and 1s equal the sums of their squares.
  const binary = sums.sum === sums.sumSquares;
  return metricResult(column, { mean: value, stderr: stderrOfSums(sums), n: sums.n, binary });
}

function passMetric(column: Column, k: number, counts: readonly PassCount[]): MetricResult | null {
  const values = counts.flatMap(({ n, passed, docs }) => {
    const value = passAtK(n, passed, k);
    return value === null ? [] : [{ value, docs }];
  });
  const mean = new OrderedMean();
  each(values, (value) => mean.add(value));
  if (mean.n === 0) return null;
  const deviations = new Deviations(mean.value);
  each(values, (value) => deviations.add(value));
  const { n, binary } = mean;
  return metricResult(column, { mean: mean.value, stderr: deviations.stderr, n, binary });
}

function each(values: readonly { value: number; docs: number }[], add: (value: number) => void): void {
  for (const { value, docs } of values) for (let i = 0; i < docs; i += 1) add(value);
}

function documents(scoring: Scoring, scores: number): number {
  return scoring.per === 'sample' ? Math.ceil(scores / Math.max(1, scoring.repeats)) : scores;
}

function nothingYet(task: string, expected: number): TaskResult {
  return {
    task,
    metrics: [],
    docs: 0,
    expected,
    scored: 0,
    unscored: 0,
    promptTokens: 0,
    completionTokens: 0,
    truncatedPrompts: 0,
    reasons: {},
  };
}
