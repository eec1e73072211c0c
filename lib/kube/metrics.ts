import type { Metrics } from '../metrics/index.ts';
import type { CallerMetrics } from './caller.ts';

/** What a client counts, under names that begin with `prefix`: a process may have clients for different ends. */
export function callerMetrics(metrics: Metrics, prefix: string): CallerMetrics {
  const requests = metrics.counter({
    name: `${prefix}_requests_total`,
    help: 'Requests to the Kubernetes API by what they were answered.',
    labels: ['verb', 'resource', 'code'],
  });
  const throttled = metrics.counter({
    name: `${prefix}_requests_throttled_total`,
    help: 'Requests that the Kubernetes API asked to send later.',
  });
  return { requests, throttled };
}
