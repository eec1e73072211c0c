import type { Clock } from '@assay/lib/clock';
import { isTerminal, type JobId, type JobRecord, type ServerRecord } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import type { Cluster, Jobs, Servers, ServerView } from '../ports.ts';
import type { Need } from './fit.ts';
import { place, type Placement, type Verdict } from './place.ts';
import { claimOf, holds, inOrder, reservationOf, waits } from './snapshot.ts';

export interface CyclePorts {
  readonly servers: Servers;
  readonly jobs: Jobs;
  readonly cluster: (job: JobRecord) => Cluster;
  readonly clusters: readonly Cluster[];
  /** The server that a job's target asks for, as the catalog says now. */
  readonly keyOf: (job: JobRecord) => string;
  readonly advance: (
    job: JobRecord,
    edge: { to: 'STARTING' | 'FAILED'; reason: string; detail: string },
    server?: string,
  ) => Promise<JobRecord>;
  readonly giveUp: (job: JobId) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly epoch: number;
  readonly limits: CycleLimits;
}

export interface CycleLimits {
  readonly idleMs: number;
  readonly generationsBytes: number;
  readonly scoresBytes: number;
}

/** What the cycle remembers: since when servers are idle, which had failed, and what it last wrote about each. */
export interface CycleMemory {
  /** Failed servers that were stopped: started anew for a job that has its place, not warmed up again for one to come. */
  readonly cold: Set<string>;
  readonly idleSince: Map<string, number>;
  readonly written: Map<string, string>;
}

/** What a new leader remembers: which records an earlier one has left, so that they are replaced or deleted. */
export async function cycleMemory(servers: CyclePorts['servers']): Promise<CycleMemory> {
  const written = new Map<string, string>();
  for await (const key of servers.keys()) written.set(key, '');
  return { idleSince: new Map(), cold: new Set(), written };
}

/**
 * The scheduling cycle: 1. clear away, 2. snapshot, 3. decide, 4. act on jobs, 5. act on servers, 6. publish where
 * servers are.
 */
export async function cycle(ports: CyclePorts, memory: CycleMemory): Promise<void> {
  const jobs = [...ports.jobs.all()];
  const going = inOrder(jobs.filter((job) => !isTerminal(job.state) && !job.cancelRequested));
  const needs = await needsOf(ports, going);
  const live = going.filter((job) => needs.has(job.id));
  await clearFailed(ports, memory, live);
  const placement = place(snapshotOf(ports, memory, jobs, live, needs));
  for (const verdict of placement.verdicts) {
    await alone(ports, verdict.job, () => act(ports, verdict));
  }
  for (const job of placement.giveUp) await ports.giveUp(job);
  await serve(ports, memory, live, placement);
  await publishServers(ports, memory);
}

/** A job keeps the server that it was given, whatever the catalog says by now. */
function serverOf(ports: CyclePorts, job: JobRecord): string {
  return job.server ?? ports.keyOf(job);
}

// A server that failed is of use to no later job.
async function clearFailed(
  ports: CyclePorts,
  memory: CycleMemory,
  live: readonly JobRecord[],
): Promise<void> {
  const held = new Set(live.filter(holds).map((job) => serverOf(ports, job)));
  const known = new Set(live.map((job) => serverOf(ports, job)));
  for (const cluster of ports.clusters) {
    for (const key of cluster.keys()) {
      if (held.has(key) || cluster.view(key)?.phase !== 'failed') continue;
      ports.log.info({ server: key }, 'failed server cleared away');
      await cluster.stop(key);
      memory.cold.add(key);
    }
  }
  for (const key of memory.cold) if (held.has(key) || !known.has(key)) memory.cold.delete(key);
}

/** What each job's server takes. A job whose target cannot be served here fails and is not among them. */
async function needsOf(
  ports: CyclePorts,
  jobs: readonly JobRecord[],
): Promise<ReadonlyMap<JobId, Need | null>> {
  const needs = new Map<JobId, Need | null>();
  for (const job of jobs) {
    await alone(ports, job.id, async () => {
      needs.set(job.id, ports.cluster(job).need(job.spec.target));
    });
  }
  return needs;
}

function snapshotOf(
  ports: CyclePorts,
  memory: CycleMemory,
  jobs: readonly JobRecord[],
  live: readonly JobRecord[],
  needs: ReadonlyMap<JobId, Need | null>,
) {
  const nowMs = ports.clock.monotonic();
  const busy = new Set(live.filter(holds).map((job) => serverOf(ports, job)));
  const servers = ports.clusters.flatMap((cluster) =>
    cluster.housed().map((server) => {
      if (busy.has(server.key)) memory.idleSince.delete(server.key);
      else if (!memory.idleSince.has(server.key)) memory.idleSince.set(server.key, nowMs);
      return { ...server, idleSinceMs: memory.idleSince.get(server.key) ?? null };
    }),
  );
  const needOf = (job: JobRecord) => needs.get(job.id) ?? null;
  return {
    nowMs,
    claims: live.filter(waits).map((job) => claimOf(job, serverOf(ports, job), needOf(job))),
    active: live.filter(holds).map((job) => reservationOf(job, serverOf(ports, job), needOf(job))),
    retained: inOrder(jobs.filter((job) => isTerminal(job.state) && !job.purged)).map((job) =>
      reservationOf(job, job.server ?? '', null),
    ),
    servers,
    nodes: ports.clusters.flatMap((cluster) => cluster.nodes()),
    ledger: ports.limits,
    idleMs: ports.limits.idleMs,
  };
}

/** What goes wrong with one job fails that job and holds up no other; what the broker does not do now is thrown. */
async function alone(ports: CyclePorts, id: JobId, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const fault = AssayError.from(error);
    const job = ports.jobs.get(id);
    if (job === undefined || (!fault.permanent && fault.reason !== 'INTERNAL')) throw error;
    ports.log.warn({ err: error, job: id }, 'the job cannot be placed');
    await ports.advance(job, { to: 'FAILED', reason: 'SERVER_START_FAILED', detail: fault.message });
  }
}

async function act(ports: CyclePorts, verdict: Verdict): Promise<void> {
  const job = ports.jobs.get(verdict.job);
  if (job === undefined || job.state !== 'QUEUED') return;
  switch (verdict.type) {
    case 'admit': {
      const key = serverOf(ports, job);
      const view = ports.cluster(job).view(key);
      const detail = view?.phase === 'ready' ? `server ${key} is warm` : `server ${key} starts`;
      await ports.advance(job, { to: 'STARTING', reason: 'PLACED', detail }, key);
      return;
    }
    case 'wait':
      if (job.reason === verdict.reason && job.detail === verdict.detail) return;
      await ports.jobs.edit(job.id, (latest) =>
        latest.state === 'QUEUED'
          ? { ...latest, reason: verdict.reason, detail: verdict.detail, epoch: ports.epoch }
          : null,
      );
      return;
    case 'refuse':
      await ports.advance(job, { to: 'FAILED', reason: verdict.reason, detail: verdict.detail });
      return;
    case 'warm':
      return;
  }
}

// Servers of admitted and warming jobs run; those that the placement names stop. `ensure` joins what runs already.
async function serve(
  ports: CyclePorts,
  memory: CycleMemory,
  live: readonly JobRecord[],
  placement: Placement,
): Promise<void> {
  for (const key of placement.stop) {
    ports.log.info({ server: key }, 'server stops');
    await Promise.all(ports.clusters.map((cluster) => cluster.stop(key)));
  }
  const jobsOf = (type: Verdict['type']) =>
    new Set(placement.verdicts.flatMap((verdict) => (verdict.type === type ? [verdict.job] : [])));
  const [admitted, warming] = [jobsOf('admit'), jobsOf('warm')];
  for (const job of live) {
    const warms = warming.has(job.id) && !memory.cold.has(serverOf(ports, job));
    if (!holds(job) && !admitted.has(job.id) && !warms) continue;
    const key = serverOf(ports, job);
    const where = { node: placement.nodes.get(key) ?? null, waits: placement.homeless.get(key) ?? '' };
    await alone(ports, job.id, async () =>
      ports.cluster(job).ensure({ key, target: job.spec.target, ...where }),
    );
  }
}

async function publishServers(ports: CyclePorts, memory: CycleMemory): Promise<void> {
  const seen = new Set<string>();
  for (const cluster of ports.clusters) {
    for (const key of cluster.keys()) {
      const view = cluster.view(key);
      if (view === null) continue;
      seen.add(key);
      const record = recordOf(ports, cluster, key, view);
      const text = JSON.stringify({ ...record, updatedAt: '' });
      if (memory.written.get(key) === text) continue;
      await ports.servers.put(record);
      memory.written.set(key, text);
    }
  }
  for (const key of [...memory.written.keys()].filter((old) => !seen.has(old))) {
    await ports.servers.delete(key);
    memory.written.delete(key);
    memory.idleSince.delete(key);
  }
}

const STATES = { starting: 'starting', ready: 'ready', down: 'unhealthy', failed: 'failed' } as const;

function recordOf(ports: CyclePorts, { kind }: Cluster, key: string, view: ServerView): ServerRecord {
  return {
    v: 1,
    key,
    kind,
    baseUrl: view.baseUrl,
    model: view.model,
    state: STATES[view.phase],
    reason: view.detail,
    ceiling: view.ceiling,
    ...(view.secret === undefined ? {} : { secret: view.secret }),
    contextLength: view.contextLength,
    ...(view.node === undefined ? {} : { node: view.node }),
    ...(view.start.length === 0 ? {} : { start: view.start }),
    epoch: ports.epoch,
    updatedAt: new Date(ports.clock.now()).toISOString(),
  };
}
