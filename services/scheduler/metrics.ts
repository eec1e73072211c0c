import type { JobRecord, JobState } from '@assay/lib/domain';
import type { LedgerUsage } from '@assay/lib/bus';
import { callerMetrics } from '@assay/lib/kube';
import type { Metrics } from '@assay/lib/metrics';
import type { Cluster } from './ports.ts';

/** Every metric that the scheduler emits, gRPC and process metrics apart. */
export function schedulerMetrics(metrics: Metrics) {
  const jobs = metrics.gauge({ name: 'jobs', help: 'Jobs by state.', labels: ['state'] });
  const finished = metrics.counter({
    name: 'jobs_finished_total',
    help: 'Jobs that ended, by state and reason.',
    labels: ['state', 'reason'],
  });
  const submitted = metrics.counter({ name: 'jobs_submitted_total', help: 'Jobs accepted.' });
  const duration = metrics.histogram({
    name: 'job_state_seconds',
    help: 'Time that jobs spent in a state before they left it.',
    labels: ['state'],
    buckets: [0.05, 0.2, 1, 5, 20, 60, 300, 1_800, 7_200, 43_200],
  });
  const leads = metrics.gauge({ name: 'leader', help: '1 while this scheduler leads.' });
  const servers = metrics.gauge({
    name: 'model_servers',
    help: 'Model servers by phase.',
    labels: ['phase'],
  });
  const restarts = metrics.gauge({
    name: 'model_server_restarts',
    help: 'Restarts of the model servers that run now.',
  });
  const ledgerBytes = metrics.gauge({
    name: 'ledger_bytes',
    help: 'Bytes stored in a ledger.',
    labels: ['partition', 'ledger'],
  });
  const ledgerLimit = metrics.gauge({
    name: 'ledger_limit_bytes',
    help: 'Most bytes that a ledger takes.',
    labels: ['partition', 'ledger'],
  });
  return { jobs, finished, submitted, duration, leads, servers, restarts, ledgerBytes, ledgerLimit };
}

export type SchedulerMetrics = ReturnType<typeof schedulerMetrics>;

/** What the Kubernetes client and its watches emit. */
export function kubeMetrics(metrics: Metrics) {
  const restarts = metrics.counter({
    name: 'kube_watch_restarts_total',
    help: 'Watches that ended, by why.',
    labels: ['resource', 'reason'],
  });
  const lastEvent = metrics.gauge({
    name: 'kube_watch_last_event_timestamp_seconds',
    help: 'When the last event or bookmark came, or the last list ended.',
    labels: ['resource'],
  });
  const objects = metrics.gauge({
    name: 'kube_objects',
    help: 'Objects held in memory.',
    labels: ['resource'],
  });
  const handlerErrors = metrics.counter({
    name: 'kube_handler_errors_total',
    help: 'Listeners to a watch that threw.',
    labels: ['resource'],
  });
  return { ...callerMetrics(metrics, 'kube'), restarts, lastEvent, objects, handlerErrors };
}

export type KubeMetrics = ReturnType<typeof kubeMetrics>;

/** What an edge of a job means for the metrics. */
export function countEdge(metrics: SchedulerMetrics, from: JobRecord, to: JobRecord, nowMs: number): void {
  const entered = from.transitions.at(-1);
  if (entered !== undefined)
    metrics.duration.observe({ state: from.state }, (nowMs - Date.parse(entered.at)) / 1_000);
  if (to.state === 'SUCCEEDED' || to.state === 'FAILED' || to.state === 'CANCELLED') {
    metrics.finished.inc({ state: to.state, reason: to.reason });
  }
}

export function countJobs(
  metrics: SchedulerMetrics,
  jobs: Iterable<JobRecord>,
  states: readonly JobState[],
): void {
  const counts = new Map<JobState, number>();
  for (const job of jobs) counts.set(job.state, (counts.get(job.state) ?? 0) + 1);
  for (const state of states) metrics.jobs.set({ state }, counts.get(state) ?? 0);
}

export function countServers(metrics: SchedulerMetrics, clusters: readonly Cluster[]): void {
  const views = clusters.flatMap((cluster) => cluster.keys().flatMap((key) => cluster.view(key) ?? []));
  for (const phase of ['starting', 'ready', 'down', 'failed']) {
    metrics.servers.set({ phase }, views.filter((view) => view.phase === phase).length);
  }
  metrics.restarts.set(views.reduce((sum, view) => sum + view.restarts, 0));
}

export function countLedger(
  metrics: SchedulerMetrics,
  partition: string,
  ledger: string,
  usage: LedgerUsage,
): void {
  metrics.ledgerBytes.set({ partition, ledger }, usage.bytes);
  metrics.ledgerLimit.set({ partition, ledger }, usage.maxBytes);
}
