import type { GenerationOutcome, Usage } from '@assay/lib/domain';
import type { Metrics } from '@assay/lib/metrics';

/** Every metric that a runner emits, process metrics apart. */
export function runnerMetrics(metrics: Metrics) {
  const generations = metrics.counter({
    name: 'generations_total',
    help: 'Samples generated, by outcome: ok, or the reason of the fault.',
    labels: ['outcome'],
  });
  const seconds = metrics.histogram({
    name: 'generation_seconds',
    help: 'Time from a sample’s first request to its answer, retries included.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600],
  });
  const tokens = metrics.counter({
    name: 'tokens_total',
    help: 'Tokens as the model servers count them, by kind: prompt or completion.',
    labels: ['kind'],
  });
  return {
    generations,
    inflight: metrics.gauge({
      name: 'inflight',
      help: 'Requests at a model server right now.',
      labels: ['server'],
    }),
    limit: metrics.gauge({
      name: 'limit',
      help: 'Requests that a model server is sent at once, as found so far.',
      labels: ['server'],
    }),
    queued: metrics.gauge({
      name: 'queued',
      help: 'Requests that wait for their turn at a model server.',
      labels: ['server'],
    }),
    responses: metrics.counter({
      name: 'upstream_responses_total',
      help: 'Answers of model servers by HTTP status; 0 is none.',
      labels: ['code'],
    }),
    retries: metrics.counter({
      name: 'retries_total',
      help: 'Requests asked again, by what went wrong.',
      labels: ['reason'],
    }),
    storeSeconds: metrics.histogram({
      name: 'store_seconds',
      help: 'Time to store a generation, waiting for the broker included.',
      buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    }),
    storeFailures: metrics.counter({
      name: 'store_failures_total',
      help: 'Tries to store a generation that failed, by reason.',
      labels: ['reason'],
    }),
    prepareSeconds: metrics.histogram({
      name: 'prepare_seconds',
      help: 'Time to render one task of a job.',
      buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
    }),
    prepared: metrics.counter({ name: 'prepared_samples_total', help: 'Samples rendered.' }),
    checks: metrics.counter({
      name: 'checks_total',
      help: 'Checks of a server for a job, by outcome: ok, or the reason of the refusal.',
      labels: ['outcome'],
    }),
    /** One sample's answer. */
    observe(outcome: GenerationOutcome, usage: Usage, latencyMs: number): void {
      generations.inc({ outcome: outcome.ok ? 'ok' : outcome.fault.reason });
      seconds.observe(latencyMs / 1_000);
      tokens.inc({ kind: 'prompt' }, usage.promptTokens);
      tokens.inc({ kind: 'completion' }, usage.completionTokens);
    },
  };
}

export type RunnerMetrics = ReturnType<typeof runnerMetrics>;
