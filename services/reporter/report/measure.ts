import type { TaskPlan } from '@assay/lib/domain';
import type { Results, ScoreRow, TaskKey, TaskResult } from '../ports.ts';
import { columnsOf, documentValue, type Column } from './columns.ts';
import { metricResult } from './metric.ts';
import { Deviations, OrderedMean } from './stats.ts';

/** A task's final numbers, and what the report says beside them. */
export interface Measure {
  readonly result: TaskResult;
  /** Documents that went into the metric with the most documents. */
  readonly sampleLength: number;
  /** The score that took the most generated tokens; the first of equals. */
  readonly longest: { readonly doc: number; readonly completionTokens: number } | null;
}

/**
 * Computes a task's numbers from its stored scores in (doc, repeat) order, whatever order they arrived in. Reads them
 * twice, page by page: for the means, then for the distances from them.
 */
export async function measureTask(
  results: Pick<Results, 'rows'>,
  key: TaskKey,
  plan: TaskPlan,
  expected: number,
): Promise<Measure> {
  const columns = columnsOf(plan.scoring, plan.metrics);
  const means = columns.map(() => new OrderedMean());
  const tally = new Tally();
  for await (const rows of documents(results, key, plan)) {
    for (const row of rows) tally.add(row);
    eachValue(columns, rows, (i, value) => means[i]?.add(value));
  }
  const deviations = means.map((mean) => new Deviations(mean.value));
  for await (const rows of documents(results, key, plan)) {
    eachValue(columns, rows, (i, value) => deviations[i]?.add(value));
  }
  const metrics = columns.flatMap((column, i) => {
    const mean = means[i];
    if (mean === undefined || mean.n === 0) return [];
    const { n, binary } = mean;
    return [metricResult(column, { mean: mean.value, stderr: deviations[i]?.stderr ?? null, n, binary })];
  });
  return {
    result: { task: plan.task, metrics, docs: plan.docs, expected, ...tally.totals() },
    sampleLength: Math.max(0, ...means.map((mean) => mean.n)),
    longest: tally.longest,
  };
}

/** The stored scores of one document after another, in repeat order; documents without any are left out. */
async function* documents(
  results: Pick<Results, 'rows'>,
  key: TaskKey,
  plan: TaskPlan,
): AsyncIterable<readonly ScoreRow[]> {
  const page = Math.max(1, Math.floor(1000 / Math.max(1, plan.repeats)));
  for (let from = 0; from < plan.docs; from += page) {
    const rows = await results.rows(key, from, Math.min(plan.docs, from + page));
    let start = 0;
    for (let i = 1; i <= rows.length; i += 1) {
      if (rows[i]?.doc === rows[start]?.doc) continue;
      yield rows.slice(start, i);
      start = i;
    }
  }
}

function eachValue(
  columns: readonly Column[],
  rows: readonly ScoreRow[],
  take: (column: number, value: number) => void,
): void {
  columns.forEach((column, i) => {
    const value = documentValue(column, rows);
    if (value !== null) take(i, value);
  });
}

class Tally {
  #scored = 0;
  #unscored = 0;
  #promptTokens = 0;
  #completionTokens = 0;
  #truncatedPrompts = 0;
  readonly #reasons = new Map<string, number>();
  longest: Measure['longest'] = null;

  add(row: ScoreRow): void {
    this.#promptTokens += row.promptTokens;
    this.#completionTokens += row.completionTokens;
    if (row.truncatedTokens > 0) this.#truncatedPrompts += 1;
    if (row.completionTokens > (this.longest?.completionTokens ?? 0)) {
      this.longest = { doc: row.doc, completionTokens: row.completionTokens };
    }
    if (row.fault === undefined) {
      this.#scored += 1;
      return;
    }
    this.#unscored += 1;
    this.#reasons.set(row.fault.reason, (this.#reasons.get(row.fault.reason) ?? 0) + 1);
  }

  totals(): Omit<TaskResult, 'task' | 'metrics' | 'docs' | 'expected'> {
    return {
      scored: this.#scored,
      unscored: this.#unscored,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      truncatedPrompts: this.#truncatedPrompts,
      reasons: Object.fromEntries([...this.#reasons].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}
