import { connectBus, DURABLES, WORKERS, type Bus } from '@assay/lib/bus';
import { openBlob, type Blob } from '@assay/lib/blob';
import { systemClock } from '@assay/lib/clock';
import { announce, brokerOf } from '@assay/lib/config';
import { AssayError } from '@assay/lib/errors';
import { crashPoints } from '@assay/lib/faults';
import { openAdmission } from '@assay/lib/identity';
import { runService, settingsOrExit, type Life } from '@assay/lib/life';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { createMetrics, serveOps } from '@assay/lib/metrics';
import { serveRpc } from '@assay/lib/rpc';
import { Activity } from './activity.ts';
import type { OpenDatabase } from './adapters/database.ts';
import { openEmbedded } from './adapters/embedded-database.ts';
import { ledgerGenerations } from './adapters/generations.ts';
import { jobRecords, tenantsOf } from './adapters/jobs.ts';
import { reportFolder } from './adapters/report-folder.ts';
import { databaseResults } from './adapters/results.ts';
import { awaitServer } from './adapters/server-database.ts';
import { Intake } from './aggregate/intake.ts';
import { readConfig } from './config.ts';
import { reporterMetrics } from './metrics.ts';
import { Finalizer } from './report/finalizer.ts';
import { streamSamples } from './report/stream.ts';
import { resultService } from './serve.ts';

const config = settingsOrExit('reporter', () => readConfig(process.env));
const log = createLog({
  service: 'reporter',
  level: config.LOG_LEVEL,
  ...(config.LOG_PRETTY !== undefined && { pretty: config.LOG_PRETTY }),
});
const clock = systemClock;
const startedAt = new Date(clock.now()).toISOString();
const crash = crashPoints(config.CRASH_POINT);
const exposed = createMetrics('reporter');
const metrics = reporterMetrics(exposed);
const activity = new Activity();

await runService({ name: 'reporter', log, graceMs: config.GRACE, start });

type Parts = Awaited<ReturnType<typeof openParts>>;

async function start(life: Life): Promise<void> {
  const database = await openDatabase(life);
  life.onClose('database', () => database.close());
  const broker = { ...brokerOf(config), name: 'reporter', log, signal: life.stop };
  const bus = await connectBus(broker);
  life.onClose('bus', () => bus.close());
  const blobs = await openBlob(config, broker);
  life.onClose('blobs', () => blobs.close());
  const parts = await openParts(database, bus, blobs);
  const intake = intakeOf(parts);
  for (const partition of config.PARTITIONS) {
    life.track(`aggregate ${partition}`, consumeScores(bus, partition, intake, life));
  }
  const rpc = await serve(parts, life);
  const ops = await serveOps({
    host: config.HOST,
    port: config.OPS_PORT,
    metrics: exposed,
    ready: async () =>
      bus.healthy() ? (intake.problem ?? (await problemOf(parts.results))) : 'there is no broker',
    log,
    stop: life.stop,
  });
  life.onClose('ops', () => ops.close());
  const step = signOfLife(bus, database, parts, life);
  life.track('signs of life', loop({ name: 'signs of life', step, log, maxBackoffMs: 2_000 }, life.stop));
  const addresses = { rpc, ops: ops.address };
  await announce(config.ANNOUNCE_FILE, { service: 'reporter', pid: process.pid, startedAt, ...addresses });
  log.info({ ...addresses, database: database.version }, 'serves');
}

async function openDatabase(life: Life): Promise<OpenDatabase> {
  const { DATABASE_DIR: folder, DATABASE_URL: url } = config;
  if (folder !== undefined) return openEmbedded(folder, process.pid);
  if (url === undefined) throw new AssayError('INTERNAL', 'the settings were checked');
  const server = {
    url,
    connections: config.DATABASE_CONNECTIONS,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT,
    statementTimeoutMs: config.DATABASE_STATEMENT_TIMEOUT,
  };
  return awaitServer(server, log, life.stop);
}

async function openParts(database: OpenDatabase, bus: Bus, blobs: Blob) {
  const jobs = jobRecords(bus);
  return {
    results: databaseResults(database, tenantsOf(jobs)),
    blobs,
    reports: await reportFolder(config.REPORTS_DIR),
    generations: ledgerGenerations(bus),
    jobs,
    clock,
    log,
  };
}

function intakeOf(parts: Parts): Intake {
  return new Intake({
    ...parts,
    committed: () => crash.at('reporter.aggregate.committed'),
    folded: (counts, seconds) => {
      activity.folded(counts.stored);
      metrics.folded(counts, seconds);
    },
    lag: metrics.lag,
  });
}

async function consumeScores(bus: Bus, partition: string, intake: Intake, life: Life): Promise<void> {
  try {
    await bus.ready(partition, life.stop);
  } catch (error) {
    if (life.stop.aborted) return;
    throw error;
  }
  await bus.scores(partition).consume(
    {
      durable: DURABLES.scores(partition),
      batch: 1_000,
      inFlight: 2_000,
      // A transaction costs the same for one score as for a hundred.
      lingerMs: 100,
      // What a killed reporter had in hand waits this long; while a batch is in hand the bus says so to the broker.
      ackWaitMs: 5_000,
      handle: (deliveries) => intake.handle(partition, deliveries),
      log,
    },
    life.stop,
    life.kill,
  );
}

/** Serves `ResultService`; gives its address. */
async function serve(parts: Parts, life: Life): Promise<string> {
  const finalizer = new Finalizer({
    ...parts,
    waitMs: config.FINALIZE_WAIT,
    during: (job, act) => activity.report(job, act),
    done: metrics.finalized,
  });
  const service = resultService({
    ...parts,
    partitions: config.PARTITIONS,
    samples: (job, filter) => streamSamples(parts, job, filter),
    finalize: (request) => finalizer.finalize(request),
    stored: () => crash.at('reporter.report.stored'),
  });
  const admission = await openAdmission(config, { metrics: exposed, clock, log });
  life.onClose('admission', async () => admission.close());
  const rpc = await serveRpc({
    host: config.HOST,
    port: config.RPC_PORT,
    admission,
    services: [service],
    log,
    stop: life.stop,
    metrics: exposed,
  });
  life.onClose('rpc', () => rpc.close(1_000));
  life.track(
    'reports',
    stopped(life).then(() => finalizer.idle()),
  );
  return rpc.address;
}

/** Tells the broker every 2 s that this process lives. One whose database has to be opened anew ends when that stays silent. */
function signOfLife(bus: Bus, database: OpenDatabase, { results }: Parts, life: Life): () => Promise<number> {
  const id = `reporter-${process.pid}-${startedAt.replace(/\D/g, '')}`;
  let silent = 0;
  return async () => {
    const updatedAt = new Date(clock.now()).toISOString();
    await bus.kv(WORKERS).put(id, { v: 1, service: 'reporter', id, activity: activity.words(), updatedAt });
    try {
      metrics.database(await results.size(), database.memoryBytes());
      silent = 0;
    } catch (error) {
      silent += 1;
      if (silent === 10 && !database.recovers) life.fail(error);
      else throw error;
    }
    return 2_000;
  };
}

function stopped(life: Life): Promise<void> {
  return new Promise((resolve) => {
    if (life.stop.aborted) resolve();
    else life.stop.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function problemOf(results: { check(): Promise<void> }): Promise<string | null> {
  try {
    await results.check();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
