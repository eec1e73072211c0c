import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

type Labels = Readonly<Record<string, string | number>>;

interface Described {
  /** Without the prefix; ends in its base unit: `_total`, `_seconds`, `_bytes`, `_ratio`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface CounterMetric {
  inc(labels?: Labels, by?: number): void;
}

export interface GaugeMetric {
  set(value: number): void;
  set(labels: Labels, value: number): void;
  remove(labels: Labels): void;
}

export interface HistogramMetric {
  observe(value: number): void;
  observe(labels: Labels, value: number): void;
}

/**
 * A service's metrics, all named `assay_<service>_…`, with the process's own beside them. A name that `promtool check
 * metrics` would refuse throws when it is made.
 */
export interface Metrics {
  counter(described: Described): CounterMetric;
  gauge(described: Described): GaugeMetric;
  histogram(described: Described & { readonly buckets: readonly number[] }): HistogramMetric;
  /** The Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  const prefix = `assay_${service}_`;
  collectDefaultMetrics({ register: registry, prefix });
  for (const name of MISNAMED) registry.removeSingleMetric(prefix + name);
  const settingsOf = (described: Described, type: 'counter' | 'other') => {
    const problem = problemOf(described, type);
    if (problem !== null) throw new Error(`the metric ${described.name} ${problem}`);
    const { name, help, labels = [] } = described;
    return { name: prefix + name, help, labelNames: [...labels], registers: [registry] };
  };
  return {
    counter(described) {
      const counter = new Counter(settingsOf(described, 'counter'));
      // A counter without labels is there from the start, so that a rate sees the first event.
      if (described.labels === undefined) counter.inc(0);
      return { inc: (labels = {}, by = 1) => counter.inc({ ...labels }, by) };
    },
    gauge(described) {
      const gauge = new Gauge(settingsOf(described, 'other'));
      return {
        set: (labels: Labels | number, value?: number) =>
          typeof labels === 'number' ? gauge.set(labels) : gauge.set({ ...labels }, value ?? 0),
        remove: (labels) => gauge.remove({ ...labels }),
      };
    },
    histogram(described) {
      const histogram = new Histogram({ ...settingsOf(described, 'other'), buckets: [...described.buckets] });
      return {
        observe: (labels: Labels | number, value?: number) =>
          typeof labels === 'number'
            ? histogram.observe(labels)
            : histogram.observe({ ...labels }, value ?? 0),
      };
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

// Gauges of the client library that are named like counters; the same numbers are there by type without the suffix.
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

// As https://prometheus.io/docs/practices/naming says: base units, `_total` for counters and for nothing else.
const OTHER_UNITS =
  /_(?:ms|us|ns|sec|secs|(?:milli|micro|nano)seconds?|minutes?|hours?|days?|kb|mb|gb|kib|mib|gib|(?:kilo|mega|giga)bytes?|percent)(?:_|$)/;

function problemOf({ name, help }: Described, type: 'counter' | 'other'): string | null {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return 'is not snake_case';
  if (help.trim() === '') return 'has no help';
  if (name.endsWith('_total') !== (type === 'counter'))
    return 'must end in _total if it is a counter, and only then';
  if (/_(?:bucket|count|sum)$/.test(name)) return 'ends in a suffix that histograms use';
  if (OTHER_UNITS.test(name)) return 'is not in a base unit: seconds, bytes or a ratio';
  return null;
}
