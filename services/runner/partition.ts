import { DURABLES, STAGES, token, type Bus, type Taken } from '@assay/lib/bus';
import type { Clock } from '@assay/lib/clock';
import type { CheckWork, PrepareWork } from '@assay/lib/domain';
import type { CrashPoints } from '@assay/lib/faults';
import type { Life } from '@assay/lib/life';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { answerOf } from './answer.ts';
import { checkServer, type CheckPorts } from './check/check.ts';
import type { Generator } from './generate/generator.ts';
import { itemStep } from './items.ts';
import type { RunnerMetrics } from './metrics.ts';
import type { Jobs } from './ports.ts';
import { prepareTask } from './prepare/prepare.ts';

export interface PartitionOptions {
  readonly bus: Bus;
  readonly life: Life;
  readonly generator: Generator;
  readonly jobs: Jobs;
  readonly check: CheckPorts;
  readonly ackWaitMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RunnerMetrics;
  readonly crash: CrashPoints;
  /** What is in hand, for the beat and for the sign of life. */
  readonly inHand: InHand;
}

export interface InHand {
  readonly preparing: Set<Taken<PrepareWork>>;
  readonly checking: Set<Taken<CheckWork>>;
}

const SHARD_WAIT_MS = 2_000;
const FULL_PACE_MS = 5;
const CHECK_LANES = 4;

/** Works the queues of one partition until the service stops. */
export async function workPartition(partition: string, options: PartitionOptions): Promise<void> {
  const { bus, life, generator, ackWaitMs, inHand, clock, log } = options;
  const run = (name: string, step: (signal: AbortSignal) => Promise<number>) =>
    loop({ name: `${name} ${partition}`, step, log, clock }, life.stop);

  const shards = await bus.shards(partition).take({ durable: DURABLES.shards, ackWaitMs });
  const take = async (signal: AbortSignal) => {
    if (!generator.hungry) return FULL_PACE_MS;
    const taken = await shards.next(SHARD_WAIT_MS, signal);
    if (taken !== null) void generator.take({ partition, taken });
    return 0;
  };
  const shardsDone = run('shards', take).then(() => generator.drained());
  life.track('shards', shardsDone);

  const { prepare, check } = bus.work(partition);
  const tasks = {
    puller: await prepare.take({ durable: DURABLES.prepare, ackWaitMs }),
    inHand: inHand.preparing,
    log,
    handle: (item: PrepareWork, signal: AbortSignal) => prepareItem(item, options, signal),
  };
  const prepareDone = run('prepare', (stop) => itemStep(tasks, stop));
  life.track('prepare', prepareDone);

  const servers = {
    puller: await check.take({ durable: DURABLES.check, ackWaitMs }),
    inHand: inHand.checking,
    log,
    handle: (item: CheckWork, signal: AbortSignal) => checkItem(item, options, signal),
  };
  for (let lane = 0; lane < CHECK_LANES; lane += 1) {
    const checkDone = run('check', (stop) => itemStep(servers, stop));
    life.track('check', checkDone);
  }
}

async function prepareItem(item: PrepareWork, options: PartitionOptions, signal: AbortSignal): Promise<void> {
  const { bus, jobs, check, clock, crash, metrics, log } = options;
  if (jobs.ended(item.job)) return;
  const startedMs = clock.monotonic();
  const answer = await answerOf(prepareTask(item, { blob: check.blob, clock }, signal));
  await bus.kv(STAGES).put(`${item.job}.prepare.${token(item.task)}`, answer);
  crash.at('runner.prepare.stored');
  metrics.prepareSeconds.observe((clock.monotonic() - startedMs) / 1_000);
  if (answer.ok) metrics.prepared.inc({}, answer.value.samples);
  log.info({ job: item.job, task: item.task, ok: answer.ok }, 'prepared');
}

async function checkItem(item: CheckWork, options: PartitionOptions, signal: AbortSignal): Promise<void> {
  const { bus, jobs, check, metrics, log } = options;
  if (jobs.ended(item.job)) return;
  const answer = await answerOf(checkServer(item, check, signal));
  await bus.kv(STAGES).put(`${item.job}.check`, answer);
  metrics.checks.inc({ outcome: answer.ok ? 'ok' : answer.reason });
  log.info({ job: item.job, server: item.server, ok: answer.ok }, 'checked the model server');
}
