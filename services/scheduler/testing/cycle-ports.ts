import type { Kv } from '@assay/lib/bus';
import { manualClock } from '@assay/lib/clock';
import type { ServerRecord } from '@assay/lib/domain';
import { cycleMemory, type CyclePorts } from '../place/cycle.ts';
import type { Cluster, ServerSpec, ServerView } from '../ports.ts';
import { advance } from '../run/context.ts';
import { memoryJobs, serverView } from './builders.ts';
import { runPorts, silent } from './run-ports.ts';

/** A cluster whose servers are what a test says. */
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
    ensure(spec) {
      if (views.has(spec.key)) return;
      ensured.push(spec);
      views.set(spec.key, serverView({ phase: 'starting' }));
    },
    view: (key) => views.get(key) ?? null,
    keys: () => [...views.keys()],
    stop: async (key) => void views.delete(key),
    close: async () => undefined,
    ...over,
  };
}

/** A bucket of server records without a broker. */
export function memoryServers(): Pick<Kv<ServerRecord>, 'put' | 'delete' | 'keys'> & {
  readonly records: Map<string, ServerRecord>;
} {
  const records = new Map<string, ServerRecord>();
  return {
    records,
    put: async (key, record) => records.set(key, record).size,
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
    takesSlot: () => true,
    keyOf: (job) => job.id,
    advance: (job, edge, server) =>
      advance(run, job, edge, (record) => (server === undefined ? record : { ...record, server })),
    giveUp: async () => undefined,
    clock,
    log: silent,
    epoch: 1,
    limits: { slots: 4, idleMs: 600_000, generationsBytes: 2 ** 30, scoresBytes: 2 ** 30 },
    ...over,
  };
  return { ports, jobs, clock, servers, memory: await cycleMemory(servers) };
}
