import { percent } from '@assay/lib/domain';
import { JobState, type Job } from '@assay/proto/assay/v1/job';
import type { Metric, Result, TaskResult } from '@assay/proto/assay/v1/result';
import { stateName } from './live.ts';
import { plain } from './plain.ts';
import { duration, score, table } from './table.ts';

/**
 * What is said when a job is over: every metric with its error and interval, coverage, time, speed, files. `paused`: the
 * services stopped in the middle, so that the time says nothing about the speed.
 */
export function finalTable(job: Job, result: Result | null, paused = false): string[] {
  if (job.state !== JobState.SUCCEEDED)
    return [
      `job ${plain(job.id)} ${stateName(job.state)} (${plain(job.reason)}): ${plain(job.detail)}`,
      `\`assay job ${plain(job.id)}\` shows its history`,
    ];
  if (result === null)
    return [`job ${plain(job.id)} SUCCEEDED; \`assay report ${plain(job.id)}\` shows its result`];
  const rows = result.tasks.flatMap((task) => task.metrics.map((metric) => rowOf(task, metric)));
  return [
    ...table(['task', 'metric', 'filter', 'score', 'std. error', '95 % interval', 'n', 'coverage'], rows),
    '',
    ...unscored(result),
    ...speed(job, result, paused),
    ...jail(result),
    ...result.files.map((file, i) => `${i === 0 ? 'files' : '     '}        ${plain(file.path)}`),
  ];
}

function rowOf(task: TaskResult, metric: Metric): string[] {
  const interval =
    metric.low === undefined || metric.high === undefined
      ? '–'
      : `${score(metric.low)} … ${score(metric.high)}`;
  return [
    plain(task.task),
    plain(metric.metric),
    plain(metric.filter),
    score(metric.value),
    score(metric.stderr),
    interval,
    String(metric.n),
    percent(task.coverage),
  ];
}

function unscored(result: Result): string[] {
  return result.tasks
    .filter((task) => task.unscored > 0n)
    .map((task) => {
      const reasons = task.unscoredReasons.map(({ reason, count }) => `${count} ${plain(reason)}`).join(', ');
      return `${plain(task.task)}: ${task.unscored} of ${task.expected} unscored (${reasons}); they lower the coverage, not the score`;
    });
}

function speed(job: Job, result: Result, paused: boolean): string[] {
  const seconds = secondsIn(job);
  const sum = (pick: (task: TaskResult) => bigint) =>
    Number(result.tasks.reduce((total, task) => total + pick(task), 0n));
  const [prompt, completion] = [sum((task) => task.promptTokens), sum((task) => task.completionTokens)];
  const rate = seconds > 0 && !paused ? ` (${((prompt + completion) / seconds).toFixed(0)} tokens/s)` : '';
  const time = `${duration(seconds)}${paused ? ' with the pauses between the runs' : ''}`;
  return [`time         ${time}; ${prompt} prompt and ${completion} generated tokens${rate}`];
}

/** From the first shard to the end. */
function secondsIn(job: Job): number {
  const from = job.transitions.find((edge) => edge.to === JobState.RUNNING)?.time ?? job.createTime;
  return from === undefined || job.endTime === undefined
    ? 0
    : (Date.parse(job.endTime) - Date.parse(from)) / 1_000;
}

function jail(result: Result): string[] {
  const tier = at(parsed(result.resultsJson), 'assay', 'provenance', 'jail_tier');
  return typeof tier === 'string' ? [`jail         tier ${plain(tier)}`] : [];
}

function at(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (inner, name) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined),
    value,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
