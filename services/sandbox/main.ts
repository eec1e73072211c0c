import { openBlob } from '@assay/lib/blob';
import { connectBus, WORKERS, type Bus } from '@assay/lib/bus';
import { systemClock } from '@assay/lib/clock';
import { announce, brokerOf } from '@assay/lib/config';
import { crashPoints, type CrashPoints } from '@assay/lib/faults';
import { runService, settingsOrExit, type Life } from '@assay/lib/life';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { createMetrics, serveOps } from '@assay/lib/metrics';
import { ExecSide, openJail, openJailAt, type Jail } from '@assay/lib/python';
import { serveRpc, sharedToken } from '@assay/lib/rpc';
import { Activity } from './activity.ts';
import { finishedJobs, type FinishedJobs } from './adapters/finished-jobs.ts';
import { takeGenerations, takeScoreItems } from './adapters/intake.ts';
import { jailExecutor } from './adapters/jail.ts';
import { ledgerGenerations, ledgerScores } from './adapters/ledgers.ts';
import { blobOutcomes } from './adapters/outcomes.ts';
import { shardDocs } from './adapters/shard-docs.ts';
import { readConfig } from './config.ts';
import { sandboxMetrics, type SandboxMetrics } from './metrics.ts';
import { partitionHandlers } from './partition.ts';
import type { Docs, Executor, Outcomes } from './ports.ts';
import { Readiness } from './readiness.ts';
import { backoffMs } from './score/settle.ts';
import { sandboxService } from './serve.ts';
import { wallsHere } from './walls/here.ts';
import type { Walls } from './walls/walls.ts';

const SIGN_MS = 2_000;

const config = settingsOrExit('sandbox', () => readConfig(process.env));
const log = createLog({
  service: 'sandbox',
  level: config.LOG_LEVEL,
  ...(config.LOG_PRETTY !== undefined && { pretty: config.LOG_PRETTY }),
});
await runService({ name: 'sandbox', log, graceMs: config.GRACE, start: async (life) => await start(life) });

async function start(life: Life): Promise<void> {
  const startedAt = new Date(systemClock.now()).toISOString();
  const exposed = createMetrics('sandbox');
  const metrics = sandboxMetrics(exposed);
  const activity = new Activity();
  const readiness = new Readiness();
  const ops = await serveOps({
    host: config.HOST,
    port: config.OPS_PORT,
    metrics: exposed,
    ready: async () => await readiness.why(),
    log,
    stop: life.stop,
  });
  life.onClose('ops', () => ops.close());

  const jail = await theJail(readiness, life);
  life.onClose('jail', () => jail.close());
  const { report } = jail;
  const executes = report.runs && (report.tier === 1 || config.ALLOW_WEAK_JAIL);
  log[executes ? 'info' : 'warn']({ ...report, executes }, `jail of tier ${report.tier}`);
  const executor = jailExecutor(jail, metrics);

  const broker = { ...brokerOf(config), name: 'sandbox', log, signal: life.stop };
  const bus = await connectBus(broker);
  life.onClose('bus', () => bus.close());
  readiness.needs(async () => (bus.healthy() ? null : 'the broker is not connected'));
  const blob = await openBlob(config, broker);
  life.onClose('blobs', () => blob.close());

  const own = [ops.address];
  const walls = theWalls(jail, own);
  readiness.needs(async () => walls?.why ?? null);
  const rpc = await serveRpc({
    host: config.HOST,
    port: config.RPC_PORT,
    admission: sharedToken(config.TOKEN),
    services: [
      sandboxService({
        executor,
        waiting: () => jail.waiting,
        queueLimit: config.EXECUTE_QUEUE,
        tier: report.tier,
        refusal: executes ? null : `the jail does not reach tier 1: ${report.reason}`,
        notYet: () => walls?.why ?? null,
        stop: life.stop,
      }),
    ],
    log,
    stop: life.stop,
    metrics: exposed,
  });
  life.onClose('rpc', () => rpc.close(1_000));
  own.push(rpc.address);
  await announce(config.ANNOUNCE_FILE, {
    service: 'sandbox',
    pid: process.pid,
    startedAt,
    rpc: rpc.address,
    ops: ops.address,
  });
  log.info({ rpc: rpc.address, ops: ops.address }, 'serves');

  await walls?.hold(life.stop);
  if (life.stop.aborted) return;
  takeWork(
    {
      bus,
      docs: shardDocs(blob, config.DOCS_CACHE_BYTES),
      outcomes: blobOutcomes(blob),
      jobs: finishedJobs(bus, log),
      executor: executes ? executor : null,
      metrics,
      activity,
      crash: crashPoints(config.CRASH_POINT),
    },
    life,
  );
  const sign = signsOfLife(bus, { jail, executes, metrics, activity, startedAt });
  life.track('signs of life', loop({ name: 'signs of life', step: sign, log }, life.stop));
  readiness.started();
}

async function theJail(readiness: Readiness, life: Life): Promise<Jail> {
  const { EXEC_SOCKET: socket, PYTHON: python, path, slots } = config;
  if (socket === undefined)
    return await openJail({ ...(python !== undefined && { python }), path, slots, log });
  const exec = new ExecSide(socket);
  readiness.needs(async () => await exec.whyAway());
  return await openJailAt(exec, slots, life.stop);
}

/** Null where nobody asked for them. `own` is read when they are tried. */
function theWalls(jail: Jail, own: readonly string[]): Walls | null {
  const { WALLS, WALL_TARGETS: targets = [], WALLS_FILE: file, EXEC_SOCKET: execSocket } = config;
  if (WALLS === 'off') return null;
  const paths = [config.BLOB_DIR, config.NATS_PASSWORD_FILE];
  return wallsHere({ jail, targets, natsUrl: config.NATS_URL, own, execSocket, paths, file, log });
}

function takeWork(shared: Shared, life: Life): void {
  life.track('jobs', shared.jobs.watch(config.PARTITIONS[0] ?? 'p0', life.stop));
  for (const partition of config.PARTITIONS) {
    life.track(`partition ${partition}`, work(shared, partition, life));
  }
}

interface Signing {
  readonly jail: Jail;
  readonly executes: boolean;
  readonly metrics: SandboxMetrics;
  readonly activity: Activity;
  readonly startedAt: string;
}

function signsOfLife(bus: Bus, { jail, executes, metrics, activity, startedAt }: Signing) {
  const id = `sandbox-${process.pid}-${startedAt}`;
  const { tier, reason } = jail.report;
  return async (): Promise<number> => {
    metrics.jail(jail);
    const updatedAt = new Date(systemClock.now()).toISOString();
    await bus.kv(WORKERS).put(id, {
      v: 1,
      service: 'sandbox',
      id,
      activity: activity.words(jail),
      jail: { tier, executes, reason },
      updatedAt,
    });
    return SIGN_MS;
  };
}

interface Shared {
  readonly bus: Bus;
  readonly docs: Docs;
  readonly outcomes: Outcomes;
  readonly jobs: FinishedJobs;
  readonly executor: Executor | null;
  readonly metrics: SandboxMetrics;
  readonly activity: Activity;
  readonly crash: CrashPoints;
}

async function work(shared: Shared, partition: string, life: Life): Promise<void> {
  const { bus, jobs, metrics, activity, crash, executor } = shared;
  await bus.ready(partition, life.stop);
  await jobs.current;
  const handlers = partitionHandlers({
    ...shared,
    generations: ledgerGenerations(bus, partition),
    scores: ledgerScores(bus, partition, metrics.stored),
    clock: systemClock,
    log,
    stored: (kind) => crash.at(`sandbox.${kind}.stored`),
    settled: (kind, settled, seconds) => {
      if (settled === 'scored' || settled === 'unscored') activity.scored();
      metrics.settled(kind, settled, seconds);
    },
    stop: life.stop,
  });
  const scores = { kind: 'score', batch: 256, lanes: 2, handle: handlers.score, log } as const;
  const executions = {
    kind: 'execute',
    batch: 2,
    lanes: config.slots * 3,
    handle: handlers.execute,
    log,
  } as const;
  await Promise.all([
    takeGenerations(bus, partition, scores, life),
    executor === null ? undefined : takeGenerations(bus, partition, executions, life),
    takeScoreItems(bus, partition, handlers.item, backoffMs, log, life),
  ]);
}
