import { WORKERS, type Bus } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import { activityOf } from './activity.ts';
import type { Generator } from './generate/generator.ts';
import type { RunnerMetrics } from './metrics.ts';
import type { InHand } from './partition.ts';

export interface Signs {
  readonly id: string;
  readonly bus: Bus;
  readonly generator: Generator;
  readonly inHand: InHand;
  readonly metrics: RunnerMetrics;
  readonly clock: Clock;
}

const SIGN_MS = 2_000;

/** One sign of life, and what the servers' gauges show: the step of a loop. */
export function signStep({ id, bus, generator, inHand, metrics, clock }: Signs): () => Promise<number> {
  const shown = new Set<string>();
  return async () => {
    const lanes = generator.lanes();
    for (const { key, inFlight, limit, queued } of lanes) {
      shown.add(key);
      metrics.inflight.set({ server: key }, inFlight);
      metrics.limit.set({ server: key }, limit);
      metrics.queued.set({ server: key }, queued);
    }
    for (const key of shown) {
      if (lanes.some((lane) => lane.key === key)) continue;
      shown.delete(key);
      for (const gauge of [metrics.inflight, metrics.limit, metrics.queued]) gauge.remove({ server: key });
    }
    const activity = activityOf(lanes, inHand.preparing.size, inHand.checking.size);
    const updatedAt = new Date(clock.now()).toISOString();
    await bus.kv(WORKERS).put(id, { v: 1, service: 'runner', id, activity, updatedAt });
    return SIGN_MS;
  };
}
