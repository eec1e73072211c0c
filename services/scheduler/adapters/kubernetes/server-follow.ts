import type { Clock } from '@assay/lib/clock';
import type { PodPlan } from './pod/plan.ts';
import type { Progress, WeightsSeen } from './pod/seen.ts';
import { tell } from './pod/start.ts';
import { lifeOf, restartsOf, type Server } from './server.ts';
import { weightsFor, type ServerContext } from './server-context.ts';
import { askProgress, askServer } from './server-look.ts';
import type { OwnPod } from './trim-pod.ts';

const LOOK_MS = 1_000;
const READY_LOOK_MS = 5_000;
const FAILED_LOOK_MS = 10_000;
/** Without a word from the program that watches its cache, a server is taken to be warm when it answers. */
const UNWATCHED_MS = 30_000;

/** Asks the server and what runs beside it how they are, and tells of it what that means; gives when to look again. */
export async function follow(world: ServerContext, server: Server, signal: AbortSignal): Promise<number> {
  const { pods, log } = world;
  const { plan, key } = server;
  if (plan === null || server.stopping) return LOOK_MS;
  const pod = pods.live(key);
  const { seen } = weightsFor(world, server, pod?.node || server.node || '');
  server.fetched = await fetchedOf(seen?.pod ?? null, server.fetched, signal);
  await ask(world, server, plan, pod, signal);
  const before = server.told;
  server.told = toldOf(world, server, plan, pod, seen);
  const { phase, fault, detail } = server.told;
  if (phase === 'failed' && before?.phase !== phase)
    log.warn({ server: key, reason: fault?.reason, detail }, 'model server failed');
  if (phase === 'failed') return FAILED_LOOK_MS;
  return phase === 'ready' ? READY_LOOK_MS : LOOK_MS;
}

async function ask(
  { objects, clock, log }: ServerContext,
  server: Server,
  plan: PodPlan,
  pod: OwnPod | null,
  signal: AbortSignal,
): Promise<void> {
  const life = lifeOf(pod);
  if (server.warm !== null && server.warm.life !== life) server.warm = null;
  if (pod === null || life === null) {
    server.health = null;
    return;
  }
  const warms = server.warm === null;
  if (warms) server.cache = (await askProgress(pod.ip, signal)) ?? server.cache;
  server.apiKey ??= await objects.key(server.key, signal);
  const needsToken = warms && server.health?.answers !== true;
  server.health = await askServer(pod.ip, plan.modelId, server.apiKey ?? '', { needsToken, signal });
  if (!warms || !server.health.answers || !isWarm(server.cache, life, plan, clock)) return;
  server.warm = { at: new Date(clock.now()).toISOString(), life };
  server.restartsWhenWarm = restartsOf(pod);
  log.info({ server: server.key }, 'model server is ready');
}

/** Its cache has not grown for a while, or nobody tells. */
function isWarm(cache: Progress | null, life: string, plan: PodPlan, clock: Clock): boolean {
  const quietMs = clock.now() - Math.max(Date.parse(cache?.lastGrowth ?? life), Date.parse(life));
  return quietMs >= (cache === null ? UNWATCHED_MS : plan.budgets.settleMs);
}

function toldOf(
  { clock, operator }: ServerContext,
  server: Server,
  plan: PodPlan,
  pod: OwnPod | null,
  seen: WeightsSeen | null,
) {
  return tell({
    nowMs: clock.now(),
    plan,
    askedAt: server.askedAt,
    waits: pod === null && server.node === null ? server.waits : '',
    scheduleMs: operator.scheduleMs,
    weights: seen === null ? null : { ...seen, progress: server.fetched },
    pod,
    cache: server.cache,
    health: server.health,
    warmAt: server.warm?.at ?? null,
    restartsWhenWarm: server.restartsWhenWarm,
  });
}

async function fetchedOf(
  pod: OwnPod | null,
  before: Progress | null,
  signal: AbortSignal,
): Promise<Progress | null> {
  if (pod === null || pod.ip === '' || pod.phase !== 'Running') return before;
  return (await askProgress(pod.ip, signal)) ?? before;
}
