import { cachedBlob, folderBlob } from '@assay/lib/blob';
import { connectBus, JOBS, SERVERS, STAGES, token, WORKERS, type Bus, type Taken } from '@assay/lib/bus';
import { systemClock as clock } from '@assay/lib/clock';
import { announce } from '@assay/lib/config';
import type { CheckWork, PrepareWork } from '@assay/lib/domain';
import { crashPoints } from '@assay/lib/faults';
import { runService, type Life } from '@assay/lib/life';
import { createLog } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { createMetrics, serveOps } from '@assay/lib/metrics';
import { activityOf } from './activity.ts';
import { ledgerGenerations } from './adapters/generations-ledger.ts';
import { followJobs, followServers } from './adapters/mirrors.ts';
import { openaiEndpoints } from './adapters/openai-endpoint.ts';
import { answerOf } from './answer.ts';
import { checkServer } from './check/check.ts';
import { readConfig } from './config.ts';
import { Generator } from './generate/generator.ts';
import { itemStep } from './items.ts';
import { runnerMetrics } from './metrics.ts';
import { prepareTask } from './prepare/prepare.ts';

const SHARD_WAIT_MS = 2_000;
const FULL_PACE_MS = 5;
const TEND_MS = 100;
const SIGN_MS = 2_000;
// The broker may hand out again what was in hand before it went away, or before this process began.
const DOUBT_AFTER_BREAK_MS = 30_000;
const DOUBT_AFTER_START_MS = 3_000;
const CHECK_TIMEOUT_MS = 60_000;
const CHECK_LANES = 4;

const config = readConfig(process.env);
const log = createLog({
  service: 'runner',
  level: config.LOG_LEVEL,
  ...(config.LOG_PRETTY !== undefined && { pretty: config.LOG_PRETTY }),
});
const id = `runner-${process.pid}-${Date.now().toString(36)}`;

await runService({ name: 'runner', log, graceMs: config.GRACE, start });

async function start(life: Life): Promise<void> {
  const metrics = createMetrics('runner');
  const own = runnerMetrics(metrics);
  const bus = await connectBus({
    url: config.NATS_URL,
    name: 'runner',
    log,
    signal: life.stop,
    ...(config.NATS_TOKEN !== undefined && { token: config.NATS_TOKEN }),
  });
  life.onClose('bus', () => bus.close());
  const ready = async () => (bus.healthy() ? null : 'no connection to the broker');
  const ops = await serveOps({ host: config.HOST, port: config.OPS_PORT, metrics, ready, log });
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
    blob: cachedBlob(folderBlob(config.BLOB_DIR), config.BLOB_CACHE),
    clock,
    log,
    random: Math.random,
    metrics: own,
    crash: crashPoints(config.CRASH_POINT),
    connect: openaiEndpoints({
      secretsDir: config.SECRETS_DIR,
      mostBytes: config.RESPONSE_BYTES,
      onStatus: (code) => own.responses.inc({ code }),
      now: () => clock.monotonic(),
    }),
  };
  let doubtUntilMs = clock.monotonic() + DOUBT_AFTER_START_MS;
  const ledgers = new Map(config.PARTITIONS.map((p) => [p, ledgerGenerations(bus.generations(p))]));
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

  const preparing = new Set<Taken<PrepareWork>>();
  const checking = new Set<Taken<CheckWork>>();
  const run = (name: string, step: (signal: AbortSignal) => Promise<number>) =>
    loop({ name, step, log, clock }, life.stop);
  for (const partition of config.PARTITIONS) {
    const shards = await bus.shards(partition).take({ durable: 'runners', ackWaitMs: config.ACK_WAIT });
    const { prepare, check } = bus.work(partition);
    const prepares = await prepare.take({ durable: 'prepare', ackWaitMs: config.ACK_WAIT });
    const checks = await check.take({ durable: 'check', ackWaitMs: config.ACK_WAIT });
    const tasks = {
      puller: prepares,
      inHand: preparing,
      log,
      handle: (item: PrepareWork, signal: AbortSignal) => prepareItem(bus, common, item, signal),
    };
    const asked = {
      puller: checks,
      inHand: checking,
      log,
      handle: (item: CheckWork, signal: AbortSignal) => checkItem(bus, common, item, signal),
    };
    const take = async (signal: AbortSignal) => {
      if (!generator.hungry) return FULL_PACE_MS;
      const taken = await shards.next(SHARD_WAIT_MS, signal);
      if (taken !== null) void generator.take({ partition, taken });
      return 0;
    };
    life.track(
      'shards',
      run(`shards ${partition}`, take).then(() => generator.drained()),
    );
    life.track(
      'prepare',
      run(`prepare ${partition}`, (stop) => itemStep(tasks, stop)),
    );
    for (let lane = 0; lane < CHECK_LANES; lane += 1) {
      life.track(
        'check',
        run(`check ${partition}`, (stop) => itemStep(asked, stop)),
      );
    }
  }
  life.track('tend', run('tend', tend));
  life.track('beat', run('beat', beat));
  life.track('signs', run('signs', sign));
  await announce(config.ANNOUNCE_FILE, {
    service: 'runner',
    pid: process.pid,
    startedAt: new Date().toISOString(),
    ops: ops.address,
  });
  log.info({ ops: ops.address, partitions: config.PARTITIONS }, 'works');

  async function tend(): Promise<number> {
    if (!bus.healthy()) doubtUntilMs = clock.monotonic() + DOUBT_AFTER_BREAK_MS;
    await generator.tend();
    return TEND_MS;
  }

  async function beat(): Promise<number> {
    generator.beat();
    for (const taken of [...preparing, ...checking]) taken.beat();
    return config.ACK_WAIT / 4;
  }

  async function sign(): Promise<number> {
    const lanes = generator.lanes();
    for (const { key, inFlight, limit, queued } of lanes) {
      own.inflight.set({ server: key }, inFlight);
      own.limit.set({ server: key }, limit);
      own.queued.set({ server: key }, queued);
    }
    const names = [...preparing].map((taken) => taken.item.task);
    const activity = activityOf(lanes, names, checking.size);
    const updatedAt = new Date(clock.now()).toISOString();
    await bus.kv(WORKERS).put(id, { v: 1, service: 'runner', id, activity, updatedAt });
    return SIGN_MS;
  }
}

type Common = Omit<Parameters<typeof checkServer>[1], 'patienceMs' | 'timeoutMs'> & {
  readonly jobs: { ended(job: string): boolean };
  readonly metrics: ReturnType<typeof runnerMetrics>;
  readonly crash: ReturnType<typeof crashPoints>;
};

async function prepareItem(bus: Bus, common: Common, item: PrepareWork, signal: AbortSignal): Promise<void> {
  if (common.jobs.ended(item.job)) return;
  const startedMs = clock.monotonic();
  const answer = await answerOf(prepareTask(item, common, signal));
  await bus.kv(STAGES).put(`${item.job}.prepare.${token(item.task)}`, answer);
  common.crash.at('runner.prepare.stored');
  common.metrics.prepareSeconds.observe((clock.monotonic() - startedMs) / 1_000);
  if (answer.ok) common.metrics.prepared.inc({}, answer.value.samples);
  log.info({ job: item.job, task: item.task, ok: answer.ok }, 'prepared');
}

async function checkItem(bus: Bus, common: Common, item: CheckWork, signal: AbortSignal): Promise<void> {
  if (common.jobs.ended(item.job)) return;
  const ports = { ...common, patienceMs: config.CHECK_PATIENCE, timeoutMs: CHECK_TIMEOUT_MS };
  const answer = await answerOf(checkServer(item, ports, signal));
  await bus.kv(STAGES).put(`${item.job}.check`, answer);
  common.metrics.checks.inc({ outcome: answer.ok ? 'ok' : answer.reason });
  log.info({ job: item.job, server: item.server, ok: answer.ok }, 'checked the model server');
}

// A watch lasts until the very end, for what is under way still looks at it; the end does not wait for the watch.
async function untilStop(watch: Promise<void>, life: Life): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    life.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([watch, stopped]);
}
