import type { MetricSums, ScoreRow, TaskKey, TaskTotals } from '../ports.ts';

/** Live totals of a task of which nothing is known but how it is scored. */
export function emptyTotals(row: Pick<ScoreRow, 'job' | 'epoch' | 'task' | 'docs'>): TaskTotals {
  return {
    job: row.job,
    epoch: row.epoch,
    task: row.task,
    docs: row.docs,
    scored: 0,
    unscored: 0,
    promptTokens: 0,
    completionTokens: 0,
    truncatedPrompts: 0,
    metrics: {},
    reasons: {},
  };
}

/** What the rows add to the totals of their tasks; one entry for each task, in order of appearance. */
export function totalsOf(rows: readonly ScoreRow[]): readonly TaskTotals[] {
  const tasks = new Map<string, TaskTotals>();
  for (const row of rows) {
    const key = taskKey(row);
    tasks.set(key, addRow(tasks.get(key) ?? emptyTotals(row), row));
  }
  return [...tasks.values()];
}

export function addTotals(a: TaskTotals, b: TaskTotals): TaskTotals {
  return {
    ...a,
    scored: a.scored + b.scored,
    unscored: a.unscored + b.unscored,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    truncatedPrompts: a.truncatedPrompts + b.truncatedPrompts,
    metrics: merge(a.metrics, b.metrics, addSums),
    reasons: merge(a.reasons, b.reasons, (x, y) => x + y),
  };
}

export function taskKey(task: TaskKey): string {
  return JSON.stringify([task.job, task.epoch, task.task]);
}

function addRow(totals: TaskTotals, row: ScoreRow): TaskTotals {
  const scored = row.fault === undefined;
  const metrics = Object.fromEntries(
    Object.entries(row.metrics).map(([key, value]) => [key, { n: 1, sum: value, sumSquares: value * value }]),
  );
  return addTotals(totals, {
    ...totals,
    scored: scored ? 1 : 0,
    unscored: scored ? 0 : 1,
    promptTokens: row.promptTokens,
    completionTokens: row.completionTokens,
    truncatedPrompts: row.truncatedTokens > 0 ? 1 : 0,
    metrics,
    reasons: row.fault === undefined ? {} : { [row.fault.reason]: 1 },
  });
}

function addSums(a: MetricSums, b: MetricSums): MetricSums {
  return { n: a.n + b.n, sum: a.sum + b.sum, sumSquares: a.sumSquares + b.sumSquares };
}

function merge<T>(
  a: Readonly<Record<string, T>>,
  b: Readonly<Record<string, T>>,
  add: (x: T, y: T) => T,
): Record<string, T> {
  const sum: Record<string, T> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const present = sum[key];
    sum[key] = present === undefined ? value : add(present, value);
  }
  return sum;
}
