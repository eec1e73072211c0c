import type { MetricSpec, Scoring } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { ScoreRow } from '../ports.ts';
import { passAtK } from './stats.ts';

/** One number that a task reports: a metric of one filter pipeline. */
export interface Column {
  readonly metric: string;
  readonly filter: string;
  readonly higherIsBetter: boolean;
  /** Key of the stored metric that the column is made of. */
  readonly source: string;
  /** Set for pass@k. */
  readonly k?: number;
}

/** Columns in lm-evaluation-harness' order: pipeline by pipeline, metric by metric. Throws TASK_UNSUPPORTED. */
export function columnsOf(scoring: Scoring, metrics: readonly MetricSpec[]): readonly Column[] {
  const specs = metrics.length > 0 ? metrics : passMetrics(scoring);
  return filtersOf(scoring).flatMap((filter) => specs.map((spec) => columnOf(spec, filter)));
}

/** Names of the task's filter pipelines; `none` when it has none. */
export function filtersOf(scoring: Scoring): readonly string[] {
  return scoring.pipelines.length > 0 ? scoring.pipelines.map(({ name }) => name) : ['none'];
}

/** What one document adds to a column; null when it is unscored there. `rows` are the document's scores. */
export function documentValue(column: Column, rows: readonly ScoreRow[]): number | null {
  const values = rows
    .filter((row) => row.fault === undefined)
    .map((row) => row.metrics[column.source])
    .filter((value) => value !== undefined);
  if (values.length === 0) return null;
  if (column.k !== undefined) return passAtK(values.length, values.filter((v) => v > 0).length, column.k);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function columnOf(spec: MetricSpec, filter: string): Column {
  const column = { metric: spec.metric, filter, higherIsBetter: spec.higherIsBetter };
  if (spec.aggregation === 'mean') return { ...column, source: `${spec.metric},${filter}` };
  const k = spec.args['k'];
  if (spec.aggregation === 'pass_at_k' && typeof k === 'number' && Number.isInteger(k) && k > 0) {
    return { ...column, source: `pass,${filter}`, k };
  }
  throw new AssayError(
    'TASK_UNSUPPORTED',
    `metric ${spec.metric}: aggregation ${spec.aggregation} is not built`,
  );
}

function passMetrics(scoring: Scoring): readonly MetricSpec[] {
  return (scoring.code?.k ?? []).map((k) => ({
    metric: `pass@${k}`,
    aggregation: 'pass_at_k',
    higherIsBetter: true,
    args: { k },
  }));
}
