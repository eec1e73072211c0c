import { cachedBlob, openBlob } from '@assay/lib/blob';
import { connectBus, JOBS, SERVERS } from '@assay/lib/bus';
import { systemClock as clock } from '@assay/lib/clock';
import { announce, brokerOf } from '@assay/lib/config';
import { crashPoints } from '@assay/lib/faults';
import { runService, settingsOrExit, type Life } from '@assay/lib/life';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { createMetrics, serveOps } from '@assay/lib/metrics';
import { ledgerGenerations } from './adapters/generations-ledger.ts';
import { followJobs, followServers } from './adapters/mirrors.ts';
import { folderKeys, openaiEndpoints } from './adapters/openai-endpoint.ts';
import { readConfig } from './config.ts';
import { Generator } from './generate/generator.ts';
import { runnerMetrics } from './metrics.ts';
import { workPartition, type InHand } from './partition.ts';
import { signStep } from './signs.ts';

const TEND_MS = 100;
// The broker may hand out again what was in hand before it went away, or before this process began.
const DOUBT_AFTER_BREAK_MS = 30_000;
const DOUBT_AFTER_START_MS = 3_000;
const CHECK_TIMEOUT_MS = 60_000;

const config = settingsOrExit('runner', () => readConfig(process.env));
const log = createLog({
  service: 'runner',
  level: config.LOG_LEVEL,
  ...(config.LOG_PRETTY !== undefined && { pretty: config.LOG_PRETTY }),
});

await runService({ name: 'runner', log, graceMs: config.GRACE, start });

async function start(life: Life): Promise<void> {
  const registry = createMetrics('runner');
  const metrics = runnerMetrics(registry);
  const broker = { ...brokerOf(config), name: 'runner', log, signal: life.stop };
  const bus = await connectBus(broker);
  life.onClose('bus', () => bus.close());
  const blob = await openBlob(config, broker);
  life.onClose('blobs', () => blob.close());
  const ready = async () => (bus.healthy() ? null : 'no connection to the broker');
  const ops = await serveOps({
    host: config.HOST,
    port: config.OPS_PORT,
    metrics: registry,
    ready,
    log,
    stop: life.stop,
  });
  life.onClose('ops', () => ops.close());
  for (const partition of config.PARTITIONS) await bus.ready(partition, life.stop);

  const servers = followServers(bus.kv(SERVERS), life.kill);
  const jobs = followJobs(bus.kv(JOBS), life.kill);
  life.track('watch servers', untilStop(servers.done, life));
  life.track('watch jobs', untilStop(jobs.done, life));
  await Promise.all([servers.current, jobs.current]);

  const common = {
    servers: servers.view,
    jobs: jobs.view,
    blob: cachedBlob(blob, config.BLOB_CACHE),
    clock,
    log,
    random: Math.random,
    metrics,
    crash: crashPoints(config.CRASH_POINT),
    connect: openaiEndpoints({
      key: config.SECRETS_DIR === undefined ? (name) => bus.key(name) : folderKeys(config.SECRETS_DIR),
      mostBytes: config.RESPONSE_BYTES,
      onStatus: (code) => metrics.responses.inc({ code }),
      now: () => clock.monotonic(),
    }),
  };
  const ledgers = new Map(config.PARTITIONS.map((p) => [p, ledgerGenerations(bus.generations(p))]));
  let doubtUntilMs = clock.monotonic() + DOUBT_AFTER_START_MS;
  const generator = new Generator({
    ...common,
    generationsOf(partition) {
      const ledger = ledgers.get(partition);
      if (ledger === undefined) throw new Error(`partition ${partition} is not served here`);
      return ledger;
    },
    policy: { attempts: config.REQUEST_ATTEMPTS, patienceMs: config.RATE_LIMIT_PATIENCE },
    timeoutMs: config.REQUEST_TIMEOUT,
    outageMs: config.OUTAGE,
    doubt: () => clock.monotonic() < doubtUntilMs,
    stop: life.stop,
    kill: life.kill,
  });
  life.onClose('model servers', () => generator.close());

  const inHand: InHand = { preparing: new Set(), checking: new Set() };
  const check = { ...common, patienceMs: config.CHECK_PATIENCE, timeoutMs: CHECK_TIMEOUT_MS };
  const partition = { ...common, bus, life, generator, check, ackWaitMs: config.ACK_WAIT, inHand };
  for (const name of config.PARTITIONS) await workPartition(name, partition);

  const tend = async () => {
    if (!bus.healthy()) doubtUntilMs = clock.monotonic() + DOUBT_AFTER_BREAK_MS;
    await generator.tend();
    return TEND_MS;
  };
  const beat = async () => {
    generator.beat();
    for (const taken of [...inHand.preparing, ...inHand.checking]) taken.beat();
    return config.ACK_WAIT / 4;
  };
  const id = `runner-${process.pid}-${clock.now().toString(36)}`;
  const sign = signStep({ id, bus, generator, inHand, metrics, clock });
  for (const [name, step] of Object.entries({ tend, beat, sign })) {
    life.track(name, loop({ name, step, log, clock }, life.stop));
  }
  const startedAt = new Date(clock.now()).toISOString();
  await announce(config.ANNOUNCE_FILE, { service: 'runner', pid: process.pid, startedAt, ops: ops.address });
  log.info({ ops: ops.address, partitions: config.PARTITIONS }, 'works');
}

// A watch lasts until the very end, for what is under way still looks at it; the end does not wait for the watch.
async function untilStop(watch: Promise<void>, life: Life): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    life.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([watch, stopped]);
}
