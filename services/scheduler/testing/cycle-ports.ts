import { manualClock } from '@assay/lib/clock';
import type { ServerRecord } from '@assay/lib/domain';
import { cycleMemory, type CyclePorts } from '../place/cycle.ts';
import type { Need } from '../place/fit.ts';
import type { Cluster, Servers, ServerSpec, ServerView } from '../ports.ts';
import { advance } from '../run/context.ts';
import { memoryJobs, serverView } from './builders.ts';
import { runPorts, silent } from './run-ports.ts';

const NEED: Need = { pool: 'slots', requests: { slot: 1 }, labels: {}, tolerations: [] };
const ROOM = { slot: 4 };

/** A cluster of four slots whose servers are what a test says. */
export interface PretendedCluster extends Cluster {
  readonly views: Map<string, ServerView>;
  readonly ensured: ServerSpec[];
}

export function pretendedCluster(over: Partial<Cluster> = {}): PretendedCluster {
  const views = new Map<string, ServerView>();
  const ensured: ServerSpec[] = [];
  return {
    views,
    ensured,
    kind: 'local',
    need: () => NEED,
    nodes: () => [{ name: 'n', closed: null, labels: {}, taints: [], total: ROOM, free: ROOM }],
    ensure(spec) {
      if (views.has(spec.key)) return;
      ensured.push(spec);
      views.set(spec.key, serverView({ phase: 'starting' }));
    },
    view: (key) => views.get(key) ?? null,
    keys: () => [...views.keys()],
    housed: () => [...views.keys()].map((key) => ({ key, need: NEED, node: 'n', avoid: [] })),
    stop: async (key) => void views.delete(key),
    close: async () => undefined,
    ...over,
  };
}

/** A bucket of server records without a broker. */
export function memoryServers(): Servers & { readonly records: Map<string, ServerRecord> } {
  const records = new Map<string, ServerRecord>();
  return {
    records,
    put: async (record) => void records.set(record.key, record),
    delete: async (key) => void records.delete(key),
    async *keys() {
      yield* records.keys();
    },
  };
}

/** A cycle over one cluster; each job's server has the job's id for its key. */
export async function cycleWorld(
  over: Partial<CyclePorts> & { readonly cluster?: () => Cluster } = {},
  servers = memoryServers(),
) {
  const cluster = over.cluster?.() ?? pretendedCluster();
  const jobs = over.jobs ?? memoryJobs();
  const clock = manualClock();
  const run = runPorts({ jobs, clock });
  const ports: CyclePorts = {
    servers,
    jobs,
    cluster: () => cluster,
    clusters: [cluster],
    keyOf: (job) => job.id,
    advance: (job, edge, server) =>
      advance(run, job, edge, (record) => (server === undefined ? record : { ...record, server })),
    giveUp: async () => undefined,
    clock,
    log: silent,
    epoch: 1,
    limits: { idleMs: 600_000, generationsBytes: 2 ** 30, scoresBytes: 2 ** 30 },
    ...over,
  };
  return { ports, jobs, clock, servers, memory: await cycleMemory(servers) };
}
