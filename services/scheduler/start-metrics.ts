import { START_PHASES, type StartPhase } from '@assay/lib/domain';
import type { Metrics } from '@assay/lib/metrics';
import type { Cluster, ServerView } from './ports.ts';

/** How model servers start: what is under way now, and how long each phase took of the starts that came to their end. */
export function startMetrics(metrics: Metrics) {
  const seconds = metrics.histogram({
    name: 'model_server_start_seconds',
    help: 'Time that a phase of a model server’s start took, once the server is ready.',
    labels: ['phase'],
    buckets: [1, 5, 15, 60, 180, 600, 1_800, 3_600, 7_200],
  });
  const starting = metrics.gauge({
    name: 'model_servers_starting',
    help: 'Model servers that start, by the phase that they are in.',
    labels: ['phase'],
  });
  const bytes = metrics.gauge({
    name: 'model_server_start_bytes',
    help: 'Bytes that starting model servers have fetched or written in the phase that they are in.',
    labels: ['phase'],
  });
  const lastGrowth = metrics.gauge({
    name: 'model_server_start_last_growth_timestamp_seconds',
    help: 'When the bytes of the phase last grew, of the server that has stood still longest; 0: none is in it.',
    labels: ['phase'],
  });
  const told = new Map<string, string>();
  let leads = false;

  /**
   * Looks at the servers; at none while another scheduler leads. Each start is counted once, when its server is first
   * seen ready; those that a new leader finds ready were counted by the one before.
   */
  return (clusters: readonly Cluster[]): void => {
    const views = new Map(
      clusters.flatMap((cluster) =>
        cluster.keys().flatMap((key) => {
          const view = cluster.view(key);
          return view === null ? [] : [[key, view] as const];
        }),
      ),
    );
    const taken = !leads;
    leads = clusters.length > 0;
    for (const [key, { phase, start }] of views) {
      const began = start[0]?.startedAt;
      if (phase !== 'ready' || began === undefined || told.get(key) === began) continue;
      told.set(key, began);
      if (taken) continue;
      for (const one of start)
        if (one.endedAt !== null) seconds.observe({ phase: one.phase }, lasted(one, one.endedAt));
    }
    for (const key of [...told.keys()].filter((known) => !views.has(known))) told.delete(key);
    const under = [...views.values()].flatMap(underWay);
    for (const phase of START_PHASES) {
      const here = under.filter((one) => one.phase === phase);
      const growths = here.map((one) => Date.parse(one.lastGrowth ?? one.startedAt) / 1_000);
      starting.set({ phase }, here.length);
      bytes.set(
        { phase },
        here.reduce((sum, one) => sum + one.bytes, 0),
      );
      lastGrowth.set({ phase }, growths.length === 0 ? 0 : Math.min(...growths));
    }
  };
}

function lasted({ startedAt }: StartPhase, endedAt: string): number {
  return Math.max(0, (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000);
}

function underWay({ phase, start }: ServerView): readonly StartPhase[] {
  return phase === 'starting' ? start.filter(({ endedAt }) => endedAt === null).slice(-1) : [];
}
