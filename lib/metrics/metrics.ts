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

/** A service's metrics, all named `assay_<service>_…`, with the process's own beside them. */
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
  collectDefaultMetrics({ register: registry, prefix: `assay_${service}_` });
  const settingsOf = ({ name, help, labels = [] }: Described) => ({
    name: `assay_${service}_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter(described) {
      const counter = new Counter(settingsOf(described));
      // A counter without labels is there from the start, so that a rate sees the first event.
      if (described.labels === undefined) counter.inc(0);
      return { inc: (labels = {}, by = 1) => counter.inc({ ...labels }, by) };
    },
    gauge(described) {
      const gauge = new Gauge(settingsOf(described));
      return {
        set: (labels: Labels | number, value?: number) =>
          typeof labels === 'number' ? gauge.set(labels) : gauge.set({ ...labels }, value ?? 0),
        remove: (labels) => gauge.remove({ ...labels }),
      };
    },
    histogram(described) {
      const histogram = new Histogram({ ...settingsOf(described), buckets: [...described.buckets] });
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
