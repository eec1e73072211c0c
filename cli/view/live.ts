import { JobState, type Job, type TaskProgress } from '@assay/proto/assay/v1/job';
import type { Result } from '@assay/proto/assay/v1/result';
import { fit, plain } from './plain.ts';
import { duration, score } from './table.ts';

/** What the live view shows at one moment. */
export interface Live {
  readonly job: Job;
  readonly result: Result | null;
  /** Scores a second, by task. */
  readonly rates: ReadonlyMap<string, number>;
  readonly elapsedS: number;
  readonly width: number;
}

const BAR = 20;

/** The live view as lines of text, none wider than the terminal. */
export function render(live: Live): string[] {
  const { job } = live;
  const eta = job.etaSeconds > 0 ? `, about ${duration(job.etaSeconds)} left` : '';
  const place = job.queuePosition > 0 ? `, position ${job.queuePosition}` : '';
  const names = Math.max(4, ...job.tasks.map((task) => task.name.length));
  const lines = [
    `job ${job.id}  ${stateName(job.state)}  ${duration(live.elapsedS)}${eta}${place}`,
    `  ${plain(job.reason)}: ${plain(job.detail)}`,
    ...job.tasks.map((task) => taskLine(live, task, names)),
    ...job.activity.map((line) => `  · ${plain(line)}`),
  ];
  return lines.map((line) => fit(line, live.width));
}

export function stateName(state: JobState): string {
  return state.replace('JOB_STATE_', '');
}

function taskLine(live: Live, task: TaskProgress, names: number): string {
  const name = plain(task.name).padEnd(names);
  if (!task.prepared) return `  ${name}  is rendered`;
  // Generating and scoring are the two halves of the way.
  const [done, total] = [Number(task.generated + task.scored), Number(task.samples + task.scores)];
  const share = total === 0 ? 1 : done / total;
  const rate = live.rates.get(task.name) ?? 0;
  const left = Number(task.scores - task.scored);
  const eta = rate > 0 && left > 0 ? ` ETA ${duration(left / rate)}` : '';
  const speed = rate > 0 ? ` ${rate.toFixed(rate < 10 ? 1 : 0)}/s` : '';
  return `  ${name}  ${bar(share)} ${task.generated}/${task.samples} generated ${task.scored}/${task.scores} scored${speed}${eta}${running(live.result, task.name)}`;
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR);
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
}

function running(result: Result | null, task: string): string {
  const [metric] = result?.tasks.find((candidate) => candidate.task === task)?.metrics ?? [];
  if (metric === undefined || metric.n === 0n) return '';
  const interval =
    metric.low === undefined || metric.high === undefined
      ? ''
      : ` [${score(metric.low)}, ${score(metric.high)}]`;
  return `  ${plain(metric.metric)} ${score(metric.value)}${interval}`;
}
