import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { openBlob } from '@assay/lib/blob';
import { BUNDLES, connectBus, type Bus, JOBS, PROGRESS, SERVERS, STAGES, WORKERS } from '@assay/lib/bus';
import { loadCatalog, type Catalog } from '@assay/lib/catalog';
import { systemClock } from '@assay/lib/clock';
import { announce, brokerOf } from '@assay/lib/config';
import { JOB_STATES, type JobRecord, type ModelTarget } from '@assay/lib/domain';
import { crashPoints } from '@assay/lib/faults';
import { openAdmission } from '@assay/lib/identity';
import { runService, settingsOrExit, type Life } from '@assay/lib/life';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { createMetrics, serveOps, type Metrics } from '@assay/lib/metrics';
import { serveRpc } from '@assay/lib/rpc';
import { CatalogServiceService } from '@assay/proto/assay/v1/catalog';
import { JobServiceService } from '@assay/proto/assay/v1/job';
import { externalCluster } from './adapters/external-cluster.ts';
import { folderFiles } from './adapters/folder-files.ts';
import type { Home } from './adapters/home.ts';
import { kvJobs } from './adapters/jobs-kv.ts';
import { kvBundles } from './adapters/kv-bundles.ts';
import { kvAnswers, kvProgress, kvWorkers } from './adapters/kv-views.ts';
import { kubernetesHome } from './adapters/kubernetes/kubernetes-home.ts';
import { localHome } from './adapters/local-home.ts';
import { mirror } from './adapters/mirror.ts';
import { grpcReporter } from './adapters/reporter-grpc.ts';
import { kvServers } from './adapters/servers-kv.ts';
import { readConfig } from './config.ts';
import { lead } from './lead.ts';
import { countEdge, countLedger, countJobs, countServers, kubeMetrics, schedulerMetrics } from './metrics.ts';
import { startMetrics } from './start-metrics.ts';
import { serverKeyOf } from './place/server-key.ts';
import { catalogService } from './serve-catalog.ts';
import { jobService, placementIn } from './serve.ts';
import type { Cluster } from './ports.ts';

const config = settingsOrExit('scheduler', () => readConfig(process.env));
const log = createLog({
  service: 'scheduler',
  level: config.LOG_LEVEL,
  ...(config.LOG_PRETTY === undefined ? {} : { pretty: config.LOG_PRETTY }),
});
const clock = systemClock;
const GAUGES_MS = 2_000;
/** Each closer has three seconds; open streams are cut before that. */
const RPC_CLOSE_MS = 2_000;

await runService({ name: 'scheduler', log, graceMs: config.GRACE, start });

async function start(life: Life): Promise<void> {
  const world = await openWorld(life);
  const { bus, jobs, own, home, external } = world;
  let led: Cluster | null = null;
  const elected = home.election({
    holder: randomUUID(),
    stored: () => highestEpoch(world),
    async lead({ epoch, lost, cluster }) {
      led = cluster;
      try {
        await leadUntil(world, cluster, epoch, AbortSignal.any([life.stop, lost]));
      } finally {
        led = null;
      }
    },
  });
  const countStarts = startMetrics(world.metrics);
  const gauges = async () => {
    countJobs(own, jobs.all(), JOB_STATES);
    own.leads.set(elected.leads() ? 1 : 0);
    const clusters = led === null ? [] : [led, external];
    countServers(own, clusters);
    countStarts(clusters);
    for (const partition of config.PARTITIONS) {
      countLedger(own, partition, 'generations', await bus.generations(partition).usage());
      countLedger(own, partition, 'scores', await bus.scores(partition).usage());
    }
    return GAUGES_MS;
  };
  life.track('election', loop({ name: 'election', step: elected.step, log, clock }, life.stop));
  life.track('gauges', loop({ name: 'gauges', step: gauges, log, clock }, life.stop));
  if (home.answersKeys) {
    const silent = bus.answerKeys(home.key);
    life.onClose('keys', async () => silent());
  }
  await serve(world, life);
}

type World = Awaited<ReturnType<typeof openWorld>>;

async function openWorld(life: Life) {
  const metrics = createMetrics('scheduler');
  const { NATS_REPLICAS: replicas, BLOB_STORE_BYTES: maxBytes } = config;
  const broker = { ...brokerOf(config), name: 'scheduler', log, signal: life.stop, replicas };
  const bus = await connectBus(broker);
  life.onClose('bus', () => bus.close());
  const limits = { generationsBytes: config.GENERATIONS_BYTES, scoresBytes: config.SCORES_BYTES };
  for (const partition of config.PARTITIONS) await bus.ensure(partition, limits);

  const blob = await openBlob(config, { ...broker, owns: { maxBytes } });
  life.onClose('blobs', () => blob.close());

  const views = {
    jobs: mirror(bus.kv(JOBS), life.stop),
    stages: mirror(bus.kv(STAGES), life.stop),
    progress: mirror(bus.kv(PROGRESS), life.stop),
    servers: mirror(bus.kv(SERVERS), life.stop),
    workers: mirror(bus.kv(WORKERS), life.stop),
  };
  for (const [name, view] of Object.entries(views)) {
    life.track(`watch ${name}`, view.done);
    await view.current;
  }
  const catalog = await loadCatalog(config.CATALOG_DIR, config.CATALOG_OVERLAY);
  const own = schedulerMetrics(metrics);
  const home = await openHome(life, bus, catalog, metrics);
  life.onClose('model servers', () => home.close());
  const external = externalCluster({ key: home.key, ceiling: config.ENDPOINT_CEILING, clock, log });
  life.onClose('endpoints', () => external.close());
  const reporter = grpcReporter(config.REPORTER, {
    token: config.TOKEN,
    tokenFile: config.REPORTER_TOKEN_FILE,
  });
  life.onClose('reporter client', async () => reporter.close());
  return {
    bus,
    blob,
    crash: crashPoints(config.CRASH_POINT),
    jobs: kvJobs(bus.kv(JOBS), views.jobs),
    bundles: kvBundles(bus.kv(BUNDLES)),
    answers: kvAnswers(bus.kv(STAGES), views.stages),
    progress: kvProgress(bus.kv(PROGRESS), views.progress),
    workers: kvWorkers(views.workers, clock),
    secrets: home.secrets,
    servers: views.servers,
    reporter,
    catalog,
    catalogTasks: folderFiles(config.tasksDir),
    home,
    external,
    metrics,
    own,
    keyOf: (target: ModelTarget) =>
      serverKeyOf(target, target.type === 'catalog' ? home.makingOf(target) : null),
  };
}

function openHome(life: Life, bus: Bus, catalog: Catalog, metrics: Metrics): Home | Promise<Home> {
  if (config.CLUSTER === 'kubernetes') {
    return kubernetesHome({
      serversFile: config.SERVERS_FILE ?? '',
      ...(config.KUBECONFIG === undefined ? {} : { kubeconfig: config.KUBECONFIG }),
      ...(config.NAMESPACE === undefined ? {} : { namespace: config.NAMESPACE }),
      rate: { qps: config.KUBE_QPS, burst: config.KUBE_BURST },
      catalog,
      metrics: kubeMetrics(metrics),
      clock,
      log,
      stop: life.stop,
    });
  }
  const { HOME_DIR: home = '', MODELS_DIR: models = '', SERVERS_DIR: serversFolder = '' } = config;
  const threads = config.SERVER_THREADS > 0 ? config.SERVER_THREADS : Math.min(4, availableParallelism());
  return localHome({
    bus,
    catalog,
    places: { home, models, node: process.execPath, threads },
    env: config.serverEnv,
    serversFolder,
    secretsFolder: config.SECRETS_DIR ?? '',
    parentPid: process.pid,
    slots: config.LOCAL_SLOTS,
    clock,
    log,
  });
}

/** What an epoch must be above, so that no record that is there refuses its leader. */
function highestEpoch({ jobs, servers }: World): number {
  let highest = 0;
  for (const { epoch } of [...jobs.all(), ...servers.values()]) highest = Math.max(highest, epoch);
  return highest;
}

function leadUntil(world: World, cluster: Cluster, epoch: number, stop: AbortSignal): Promise<void> {
  const { bus, jobs, external, own } = world;
  const run = {
    ...world,
    view: (key: string) => cluster.view(key) ?? external.view(key),
    clock,
    log,
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
  const cyclePorts = {
    servers: kvServers(bus.kv(SERVERS), epoch),
    jobs,
    cluster: (job: JobRecord) => (job.spec.target.type === 'catalog' ? cluster : external),
    clusters: [cluster, external],
    keyOf: (job: JobRecord) => world.keyOf(job.spec.target),
    clock,
    log,
    epoch,
    limits: {
      idleMs: config.SERVER_IDLE,
      generationsBytes: config.GENERATIONS_BYTES,
      scoresBytes: config.SCORES_BYTES,
    },
  };
  const sweep = { ...run, retentionMs: config.RETENTION, lateMs: config.PURGE_AGAIN };
  return lead({ run, cycle: cyclePorts, sweep, jobs, clock, log, epoch }, stop);
}

async function serve(world: World, life: Life): Promise<void> {
  const { catalog, jobs, metrics, own, home, servers } = world;
  const job = jobService({
    ...world,
    models: catalog.models.map((model) => ({ name: model.name, devices: home.devicesOf(model) })),
    devices: catalog.devices.map((device) => device.name),
    partitionOf: partitionOf(config.PARTITIONS),
    dryPartition: config.PARTITIONS[0] ?? 'p0',
    clock,
    placementOf: (target) => placementIn(jobs, target, servers.get(world.keyOf(target))),
    onSubmitted: () => own.submitted.inc(),
  });
  const models = catalog.models.flatMap((model) => {
    const { name, description, license } = model;
    const devices = [...home.devicesOf(model)];
    return devices.length === 0 ? [] : [{ name, description, license, devices }];
  });
  const limits = { bytes: config.BUNDLE_BYTES, files: config.BUNDLE_FILES };
  const admission = await openAdmission(config, { metrics, clock, log });
  life.onClose('admission', async () => admission.close());
  const rpc = await serveRpc({
    host: config.HOST,
    port: config.RPC_PORT,
    log,
    stop: life.stop,
    metrics,
    maxReceiveBytes: config.RECEIVE_BYTES,
    admission,
    services: [
      { name: 'assay.v1.JobService', definition: JobServiceService, implementation: job },
      {
        name: 'assay.v1.CatalogService',
        definition: CatalogServiceService,
        implementation: catalogService({ ...world, models, limits }),
      },
    ],
  });
  life.onClose('rpc', () => rpc.close(RPC_CLOSE_MS));
  const ready = async () => (world.bus.healthy() ? null : 'no connection to the broker');
  const ops = await serveOps({
    host: config.HOST,
    port: config.OPS_PORT,
    metrics,
    ready,
    log,
    stop: life.stop,
  });
  life.onClose('ops', () => ops.close());
  const addresses = { rpc: rpc.address, ops: ops.address };
  await announce(config.ANNOUNCE_FILE, {
    service: 'scheduler',
    pid: process.pid,
    startedAt: new Date().toISOString(),
    ...addresses,
  });
  log.info({ ...addresses, catalog: path.resolve(config.CATALOG_DIR) }, 'serves');
}

function partitionOf(partitions: readonly string[]): (id: string) => string {
  return (id) => partitions[Buffer.from(id).readUInt32BE(0) % partitions.length] ?? 'p0';
}
