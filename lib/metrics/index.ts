export {
  createMetrics,
  type CounterMetric,
  type GaugeMetric,
  type HistogramMetric,
  type Metrics,
} from './metrics.ts';
export { serveOps, type OpsOptions, type OpsServer } from './ops.ts';
