import type { Metrics } from '@assay/lib/metrics';
import type { FinalResult, FoldCounts } from './ports.ts';
import { coverage } from './report/results-json.ts';

// More series than this of one run would be a leak of labels, not a dashboard.
const MOST_SCORES = 200;

/** Every metric that the reporter emits, beside those of its process and its RPCs. */
export function reporterMetrics(metrics: Metrics) {
  const folded = metrics.counter({
    name: 'scores_folded_total',
    help: 'Scores stored and added to live results.',
  });
  const duplicates = metrics.counter({
    name: 'duplicates_total',
    help: 'Scores that came again and changed nothing.',
  });
  const late = metrics.counter({
    name: 'late_scores_total',
    help: 'Scores of a scoring that was final already.',
  });
  const unreadable = metrics.counter({
    name: 'unreadable_scores_total',
    help: 'Entries dropped as no score.',
  });
  const foldSeconds = metrics.histogram({
    name: 'fold_batch_seconds',
    help: 'Time from a batch of scores to its commit.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
  });
  const lag = metrics.gauge({
    name: 'ingest_lag_seconds',
    help: 'Age of the newest score when it was folded.',
    labels: ['partition'],
  });
  const pending = metrics.gauge({
    name: 'ingest_pending_scores',
    help: 'Scores that waited in the ledger behind the last batch.',
    labels: ['partition'],
  });
  const finalizeSeconds = metrics.histogram({
    name: 'finalize_seconds',
    help: 'Time to compute and store the report of one job.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  });
  const finalized = metrics.counter({
    name: 'finalize_total',
    help: 'Finalize calls, by result.',
    labels: ['result'],
  });
  const databaseBytes = metrics.gauge({ name: 'database_size_bytes', help: 'Database on disk.' });
  const databaseMemory = metrics.gauge({
    name: 'database_memory_bytes',
    help: 'Memory of the embedded database, which the process holds beside its own.',
  });
  const showScores = lastScores(metrics);
  return {
    folded: (counts: FoldCounts & { readonly unreadable: number }, seconds: number) => {
      folded.inc({}, counts.stored);
      duplicates.inc({}, counts.duplicates);
      late.inc({}, counts.late);
      unreadable.inc({}, counts.unreadable);
      foldSeconds.observe(seconds);
    },
    lag: (partition: string, seconds: number, waiting: number) => {
      lag.set({ partition }, Math.max(0, seconds));
      pending.set({ partition }, waiting);
    },
    finalized: (result: FinalResult | null, seconds: number) => {
      finalized.inc({ result: result === null ? 'failed' : 'stored' });
      finalizeSeconds.observe(seconds);
      if (result !== null) showScores(result);
    },
    database: (bytes: number, memoryBytes: number) => {
      databaseBytes.set(bytes);
      databaseMemory.set(memoryBytes);
    },
  };
}

/** The scores of the last final run only: a label for each job would never end. */
function lastScores(metrics: Metrics): (result: FinalResult) => void {
  const score = metrics.gauge({
    name: 'benchmark_score',
    help: 'Scores of the last final run.',
    labels: ['task', 'metric', 'filter', 'model'],
  });
  const covered = metrics.gauge({
    name: 'coverage_ratio',
    help: 'Scored share of the expected scores of the last final run.',
    labels: ['task', 'model'],
  });
  let shown: (() => void)[] = [];
  return ({ model, tasks }) => {
    for (const hide of shown) hide();
    shown = [];
    for (const { task, metrics: found, ...counts } of tasks) {
      if (shown.length >= MOST_SCORES) return;
      covered.set({ task, model }, coverage(counts));
      shown.push(() => covered.remove({ task, model }));
      for (const { metric, filter, value } of found.slice(0, MOST_SCORES - shown.length)) {
        const labels = { task, metric, filter, model };
        score.set(labels, value);
        shown.push(() => score.remove(labels));
      }
    }
  };
}
