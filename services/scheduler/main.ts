import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { cachedBlob, folderBlob } from '@assay/lib/blob';
import { connectBus, JOBS, PROGRESS, SERVERS, STAGES, WORKERS } from '@assay/lib/bus';
import { loadCatalog } from '@assay/lib/catalog';
import { systemClock } from '@assay/lib/clock';
import { announce } from '@assay/lib/config';
import { JOB_STATES, type JobRecord, type ModelTarget } from '@assay/lib/domain';
import { crashPoints } from '@assay/lib/faults';
import { runService, type Life } from '@assay/lib/life';
import { createLog, type Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { createMetrics, serveOps } from '@assay/lib/metrics';
import { serveRpc } from '@assay/lib/rpc';
import { CatalogServiceService } from '@assay/proto/assay/v1/catalog';
import { JobServiceService } from '@assay/proto/assay/v1/job';
import { externalCluster } from './adapters/external-cluster.ts';
import { folderFiles } from './adapters/folder-files.ts';
import { kvJobs } from './adapters/jobs-kv.ts';
import { kvAnswers, kvProgress, kvWorkers } from './adapters/kv-views.ts';
import { election } from './adapters/leader.ts';
import { localCluster } from './adapters/local-cluster.ts';
import { mirror } from './adapters/mirror.ts';
import { grpcReporter } from './adapters/reporter-grpc.ts';
import { folderSecrets } from './adapters/secrets-folder.ts';
import { readConfig, type Config } from './config.ts';
import { lead } from './lead.ts';
import { countEdge, countJobs, schedulerMetrics } from './metrics.ts';
import { serverKeyOf } from './place/server-key.ts';
import { catalogService } from './serve-catalog.ts';
import { jobService } from './serve.ts';
import { servingOf } from './serving.ts';

const config = readConfig(process.env);
const log = createLog({
  service: 'scheduler',
  level: config.LOG_LEVEL,
  ...(config.LOG_PRETTY === undefined ? {} : { pretty: config.LOG_PRETTY }),
});

await runService({
  name: 'scheduler',
  log,
  graceMs: config.GRACE,
  start: (life) => start(config, log, life),
});

async function start(config: Config, log: Log, life: Life): Promise<void> {
  const clock = systemClock;
  const metrics = createMetrics('scheduler');
  const own = schedulerMetrics(metrics);
  const bus = await connectBus({
    url: config.NATS_URL,
    name: 'scheduler',
    log,
    signal: life.stop,
    ...(config.NATS_TOKEN === undefined ? {} : { token: config.NATS_TOKEN }),
  });
  life.onClose('bus', () => bus.close());
  for (const partition of config.PARTITIONS) {
    await bus.ensure(partition, {
      generationsBytes: config.GENERATIONS_BYTES,
      scoresBytes: config.SCORES_BYTES,
    });
  }
  const blob = cachedBlob(folderBlob(config.BLOB_DIR), 64 * 1024 * 1024);
  const catalog = await loadCatalog(config.CATALOG_DIR);
  const catalogTasks = folderFiles(config.tasksDir);

  const views = {
    jobs: mirror(bus.kv(JOBS), life.stop),
    stages: mirror(bus.kv(STAGES), life.stop),
    progress: mirror(bus.kv(PROGRESS), life.stop),
    workers: mirror(bus.kv(WORKERS), life.stop),
  };
  for (const [name, view] of Object.entries(views)) {
    life.track(`watch ${name}`, view.done);
    await view.current;
  }
  const jobs = kvJobs(bus.kv(JOBS), views.jobs);
  const answers = kvAnswers(bus.kv(STAGES), views.stages);
  const progress = kvProgress(bus.kv(PROGRESS), views.progress);
  const workers = kvWorkers(views.workers, clock);
  const secrets = folderSecrets(config.SECRETS_DIR);
  const reporter = grpcReporter(config.REPORTER, config.TOKEN);
  life.onClose('reporter client', async () => reporter.close());

  const threads = config.SERVER_THREADS > 0 ? config.SERVER_THREADS : Math.min(4, availableParallelism());
  const places = { home: config.HOME_DIR, models: config.MODELS_DIR, node: process.execPath, threads };
  const serving = servingOf(catalog, places, config.serverEnv);
  const local = localCluster({ folder: config.SERVERS_DIR, parentPid: process.pid, serving, clock, log });
  const external = externalCluster({
    secretsFolder: config.SECRETS_DIR,
    ceiling: config.ENDPOINT_CEILING,
    clock,
    log,
  });
  life.onClose('model servers', async () => {
    await Promise.all([local.close(), external.close()]);
  });
  const clusterOf = (target: ModelTarget) => (target.type === 'catalog' ? local : external);
  const keyOf = (target: ModelTarget) =>
    serverKeyOf(target, target.type === 'catalog' ? catalog.model(target.model) : null);
  const crash = crashPoints(config.CRASH_POINT);

  const elected = election({
    bus,
    holder: randomUUID(),
    clock,
    log,
    lead: ({ epoch, lost }) => {
      const run = {
        bus,
        blob,
        jobs,
        answers,
        workers,
        progress,
        reporter,
        view: (key: string) => local.view(key) ?? external.view(key),
        clock,
        log,
        crash,
        epoch,
        limits: {
          windowShards: config.WINDOW_SHARDS,
          startMs: config.START_TIMEOUT,
          serverLostMs: config.SERVER_LOST_AFTER,
          scoreStallMs: config.SCORE_STALL,
          finalizeMs: config.FINALIZE_TIMEOUT,
          mostAudits: 10,
        },
        onEdge: (from: JobRecord, to: JobRecord) => countEdge(own, from, to, clock.now()),
      };
      const place = {
        servers: bus.kv(SERVERS),
        jobs,
        cluster: (job: JobRecord) => clusterOf(job.spec.target),
        clusters: [local, external],
        takesSlot: (cluster: typeof local) => cluster === local,
        keyOf: (job: JobRecord) => keyOf(job.spec.target),
        clock,
        log,
        epoch,
        limits: {
          slots: config.LOCAL_SLOTS,
          idleMs: config.SERVER_IDLE,
          generationsBytes: config.GENERATIONS_BYTES,
          scoresBytes: config.SCORES_BYTES,
        },
      };
      const sweep = { ...run, secrets, retentionMs: config.RETENTION };
      return lead({ run, cycle: place, sweep, jobs, clock, log, epoch }, AbortSignal.any([life.stop, lost]));
    },
  });
  life.track(
    'election',
    loop({ name: 'election', step: (stop) => elected.step(stop), log, clock }, life.stop),
  );
  life.track('gauges', loop({ name: 'gauges', step: () => gauge(), log, clock }, life.stop));

  const models = catalog.models.map((model) => ({ name: model.name, devices: model.devices }));
  const rpc = await serveRpc({
    host: config.HOST,
    port: config.RPC_PORT,
    log,
    metrics,
    maxReceiveBytes: config.RECEIVE_BYTES,
    ...(config.TOKEN === undefined ? {} : { token: config.TOKEN }),
    services: [
      {
        name: 'assay.v1.JobService',
        definition: JobServiceService,
        implementation: jobService({
          bus,
          blob,
          jobs,
          answers,
          progress,
          workers,
          secrets,
          models,
          devices: catalog.devices.map((device) => device.name),
          catalogTasks,
          partitionOf: partitionOf(config.PARTITIONS),
          dryPartition: config.PARTITIONS[0] ?? 'p0',
          clock,
          placementOf: (target) => placementOf(target, clusterOf(target).view(keyOf(target))?.phase, jobs),
        }),
      },
      {
        name: 'assay.v1.CatalogService',
        definition: CatalogServiceService,
        implementation: catalogService({
          blob,
          models: catalog.models.map(({ name, description, license, devices }) => ({
            name,
            description,
            license,
            devices: [...devices],
          })),
          catalogTasks,
          limits: { bytes: config.BUNDLE_BYTES, files: config.BUNDLE_FILES },
        }),
      },
    ],
  });
  life.onClose('rpc', () => rpc.close(config.GRACE));
  const ready = async () => (bus.healthy() ? null : 'no connection to the broker');
  const ops = await serveOps({ host: config.HOST, port: config.OPS_PORT, metrics, ready, log });
  life.onClose('ops', () => ops.close());
  await announce(config.ANNOUNCE_FILE, {
    service: 'scheduler',
    pid: process.pid,
    startedAt: new Date().toISOString(),
    rpc: rpc.address,
    ops: ops.address,
  });
  log.info({ rpc: rpc.address, ops: ops.address, catalog: path.resolve(config.CATALOG_DIR) }, 'serves');

  async function gauge(): Promise<number> {
    countJobs(own, jobs.all(), JOB_STATES);
    own.leads.set(elected.leads() ? 1 : 0);
    const servers = [local, external].flatMap((cluster) =>
      cluster.keys().flatMap((key) => cluster.view(key) ?? []),
    );
    for (const phase of ['starting', 'ready', 'down', 'failed'])
      own.servers.set({ phase }, servers.filter((server) => server.phase === phase).length);
    own.restarts.set(servers.reduce((sum, server) => sum + server.restarts, 0));
    for (const partition of config.PARTITIONS) {
      for (const [ledger, usage] of [
        ['generations', await bus.generations(partition).usage()],
        ['scores', await bus.scores(partition).usage()],
      ] as const) {
        own.ledgerBytes.set({ partition, ledger }, usage.bytes);
        own.ledgerLimit.set({ partition, ledger }, usage.maxBytes);
      }
    }
    return 2_000;
  }
}

function partitionOf(partitions: readonly string[]): (id: string) => string {
  return (id) => partitions[Buffer.from(id).readUInt32BE(0) % partitions.length] ?? 'p0';
}

function placementOf(
  target: ModelTarget,
  phase: string | undefined,
  jobs: { all(): Iterable<JobRecord> },
): string {
  const waiting = [...jobs.all()].filter((job) => job.state === 'QUEUED').length;
  const where = target.type === 'catalog' ? `on ${target.device}` : `at ${target.baseUrl}`;
  const server = phase === 'ready' ? 'a server is warm' : 'a server would be started or asked';
  return waiting === 0 ? `${where}: ${server}` : `${where}: ${waiting} job(s) wait before it`;
}
