import type { MetricResult } from '../ports.ts';
import type { Column } from './columns.ts';
import { interval } from './stats.ts';

/** A column's number with its interval. `binary`: every document added 0 or 1. */
export function metricResult(
  column: Column,
  facts: {
    readonly mean: number;
    readonly stderr: number | null;
    readonly n: number;
    readonly binary: boolean;
  },
): MetricResult {
  const around = interval({ ...facts, proportion: column.k !== undefined });
  return {
    metric: column.metric,
    filter: column.filter,
    value: facts.mean,
    stderr: facts.stderr,
    low: around?.low ?? null,
    high: around?.high ?? null,
    n: facts.n,
    higherIsBetter: column.higherIsBetter,
  };
}
