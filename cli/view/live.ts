import type { Job, JobState, TaskProgress } from '@assay/proto/assay/v1/job';
import type { Result } from '@assay/proto/assay/v1/result';
import { plain } from './plain.ts';
import { startLines } from './start.ts';
import { duration, score } from './table.ts';
import { fit, pad, width } from './width.ts';

/** What the live view shows at one moment. */
export interface Live {
  readonly job: Job;
  readonly result: Result | null;
  /** Scores a second, by task. */
  readonly rates: ReadonlyMap<string, number>;
  readonly elapsedS: number;
  readonly width: number;
  /** Most lines; what does not fit is counted in the last one. */
  readonly height?: number;
  /** Why the scheduler cannot be heard at the moment. */
  readonly away?: string | null;
}

/** The live view as lines of text, none wider than the terminal. */
export function render(live: Live): string[] {
  const { job, away = null } = live;
  const names = Math.max(4, ...job.tasks.map((task) => width(plain(task.name))));
  const lines = [
    headline(live),
    ...(away === null ? [] : [`  not reachable, trying again: ${plain(away)}`]),
    `  ${plain(job.reason)}: ${plain(job.detail)}`,
    ...startLines(job),
    ...job.tasks.map((task) => `  ${pad(plain(task.name), names)}  ${taskLine(live, task)}`),
    ...job.activity.map((line) => `  · ${plain(line)}`),
  ];
  return atMost(lines, live.height).map((line) => fit(line, live.width));
}

/** The live view as one line, for where lines cannot be drawn over. */
export function summary(live: Live): string {
  const tasks = live.job.tasks.map((task) => `${plain(task.name)} ${counts(live, task)}`);
  const away = live.away ?? null;
  return [headline(live), ...(away === null ? [] : [`not reachable: ${plain(away)}`]), ...tasks].join(' | ');
}

export function stateName(state: JobState): string {
  return state.replace('JOB_STATE_', '');
}

function headline({ job, elapsedS }: Live): string {
  const eta = job.etaSeconds > 0 ? `, about ${duration(job.etaSeconds)} left` : '';
  const place = job.queuePosition > 0 ? `, position ${job.queuePosition}` : '';
  return `job ${plain(job.id)}  ${stateName(job.state)}  ${duration(elapsedS)}${eta}${place}`;
}

function taskLine(live: Live, task: TaskProgress): string {
  if (!task.prepared) return counts(live, task);
  // Generating and scoring are the two halves of the way.
  const [done, total] = [Number(task.generated + task.scored), Number(task.samples + task.scores)];
  return `${bar(total === 0 ? 1 : done / total, live.width)} ${counts(live, task)}`;
}

function counts(live: Live, task: TaskProgress): string {
  if (!task.prepared) return 'prompts are being rendered';
  const rate = live.rates.get(task.name) ?? 0;
  const left = Number(task.scores - task.scored);
  const speed =
    rate > 0 && left > 0 ? ` ${rate.toFixed(rate < 10 ? 1 : 0)}/s ETA ${duration(left / rate)}` : '';
  const amounts = `${task.generated}/${task.samples} generated ${task.scored}/${task.scores} scored`;
  // What matters least is last: a narrow terminal cuts it off.
  return `${amounts}${running(live.result, task.name)}${speed}`;
}

function bar(share: number, most: number): string {
  const cells = most >= 120 ? 20 : most >= 100 ? 10 : 6;
  const full = Math.round(Math.min(1, share) * cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
}

function running(result: Result | null, task: string): string {
  const [metric] = result?.tasks.find((candidate) => candidate.task === task)?.metrics ?? [];
  if (metric === undefined || metric.n === 0n) return '';
  const interval =
    metric.low === undefined || metric.high === undefined
      ? ''
      : ` [${score(metric.low)}, ${score(metric.high)}]`;
  return `  ${plain(metric.metric)} ${score(metric.value)}${interval} `;
}

function atMost(lines: readonly string[], height = Number.POSITIVE_INFINITY): readonly string[] {
  if (lines.length <= height) return lines;
  const kept = lines.slice(0, Math.max(1, height - 1));
  return [...kept, `  … ${lines.length - kept.length} lines more`];
}
