import type { Clock } from '@assay/lib/clock';
import type { ModelTarget } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { BATCH_JOBS, PODS } from '@assay/lib/kube';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { Need, NodeRoom } from '../../place/fit.ts';
import type { Cluster, Housed, ServerSpec, ServerView } from '../../ports.ts';
import {
  COMPONENT,
  keyName,
  MODEL_SERVER,
  NEED_ANNOTATION,
  NODE_ANNOTATION,
  SERVER_LABEL,
  serverName,
} from './pod/names.ts';
import { needOf } from './pod/need.ts';
import type { PodPlan } from './pod/plan.ts';
import type { Anchor, Rendering } from './pod/render.ts';
import { serverOf, tell, type Progress, type Told } from './pod/start.ts';
import type { Reflector } from './reflector.ts';
import { askProgress, askServer, baseUrlOf, type Health } from './server-look.ts';
import type { ServerObjects } from './server-objects.ts';
import type { Operator } from './servers-file.ts';
import type { BatchJob } from './trim-job.ts';
import { isOwn, type OwnPod, type Pod } from './trim-pod.ts';
import { weightsOf } from './weights-seen.ts';
import { workQueue } from './work-queue.ts';

export interface KubernetesCluster {
  readonly pods: Reflector<Pod>;
  readonly jobs: Reflector<BatchJob>;
  readonly rooms: () => readonly NodeRoom[];
  readonly objects: ServerObjects;
  readonly operator: Operator;
  readonly anchor: Anchor;
  readonly planOf: (target: ModelTarget) => PodPlan;
  readonly clock: Clock;
  readonly log: Log;
}

/** A server that a leader looks after. */
interface Server {
  readonly key: string;
  /** Null for one that was found and that no job has asked for yet. */
  plan: PodPlan | null;
  readonly askedAt: string;
  /** Where its pod shall be made. */
  node: string | null;
  waits: string;
  readonly avoid: Map<string, number>;
  apiKey: string | null;
  health: Health | null;
  cache: Progress | null;
  fetched: Progress | null;
  /** Since when it is warm, and in which life of its container. */
  warm: { readonly at: string; readonly life: string } | null;
  restartsWhenWarm: number;
  told: Told | null;
  stopping: boolean;
  readonly stop: AbortController;
}

const LOOK_MS = 1_000;
const READY_LOOK_MS = 5_000;
const FAILED_LOOK_MS = 10_000;
const RESYNC_MS = 60_000;
/** A node that turned a server away is looked at again after this. */
const AVOID_MS = 5 * 60_000;
/** Without a word from the program that watches its cache, a server is taken to be warm when it answers. */
const UNWATCHED_MS = 30_000;
const BACKOFF = { firstMs: 500, mostMs: 30_000, random: Math.random };

/** Model servers as pods. They live on when it is closed: the next leader finds them, and joins them. */
export function kubernetesCluster(options: KubernetesCluster): Cluster {
  const { pods, jobs, objects, operator, anchor, clock, log } = options;
  const { namespace } = operator;
  const servers = new Map<string, Server>();
  const looking = new Set<Promise<void>>();
  const stop = new AbortController();

  /** The pod of that name, also while it goes. */
  const anyPodOf = (key: string): OwnPod | null => {
    const pod = pods.get(`${namespace}/${serverName(key)}`);
    return pod !== undefined && isOwn(pod) ? pod : null;
  };
  const podOf = (key: string): OwnPod | null => {
    const pod = anyPodOf(key);
    return pod?.deleting === true ? null : pod;
  };
  const now = () => new Date(clock.now()).toISOString();

  function put(key: string, plan: PodPlan | null): Server {
    const server: Server = {
      key,
      plan,
      askedAt: podOf(key)?.createdAt ?? now(),
      node: null,
      waits: '',
      avoid: new Map(),
      apiKey: null,
      health: null,
      cache: null,
      fetched: null,
      warm: null,
      restartsWhenWarm: 0,
      told: null,
      stopping: false,
      stop: new AbortController(),
    };
    servers.set(key, server);
    const signal = AbortSignal.any([stop.signal, server.stop.signal]);
    const look = loop({ name: `server ${key}`, step: (inner) => lookAt(server, inner), log, clock }, signal);
    looking.add(look);
    void look.finally(() => looking.delete(look));
    return server;
  }

  // Found: what an earlier leader made.
  const found = (key: string) => {
    const pod = pods.get(key);
    if (pod === undefined || !isOwn(pod) || pod.namespace !== namespace) return;
    const server = pod.labels[COMPONENT] === MODEL_SERVER ? pod.labels[SERVER_LABEL] : undefined;
    if (server !== undefined && !servers.has(server)) put(server, null);
  };
  for (const key of pods.keys()) found(key);

  const queue = workQueue(
    {
      name: 'model servers',
      handle: reconcile,
      lanes: 8,
      keys: () => servers.keys(),
      resyncMs: RESYNC_MS,
      backoff: BACKOFF,
      clock,
      log,
    },
    stop.signal,
    stop.signal,
  );
  const unhear = pods.onChange((key) => {
    found(key);
    const name = key.startsWith(`${namespace}/server-`)
      ? key.slice(namespace.length + 1 + 'server-'.length)
      : '';
    if (servers.has(name)) queue.add(name);
  });

  async function reconcile(key: string, signal: AbortSignal): Promise<number | null> {
    const server = servers.get(key);
    if (server === undefined) return null;
    if (server.stopping) return remove(server, signal);
    const { plan } = server;
    if (plan === null || server.told?.phase === 'failed') return null;
    const rendering = { key, plan, operator, anchor };
    const pod = podOf(key);
    if (pod === null && server.node !== null && isClosed(server.node)) server.node = null;
    const node = pod?.node || server.node;
    if (node !== null && node !== '') await fetchWeights(server, rendering, node, signal);
    if (pod !== null) {
      server.node ??= pod.annotations[NODE_ANNOTATION] ?? null;
      if (server.told?.move === true) await moveAway(server, pod, signal);
      return null;
    }
    // One that still goes has the name; its end is heard.
    if (server.node === null || anyPodOf(key) !== null) return null;
    log.info({ server: key, node: server.node, image: plan.image }, 'model server is made');
    server.apiKey = await objects.make(rendering, server.node, signal);
    return null;
  }

  const isClosed = (name: string) => options.rooms().find((node) => node.name === name)?.closed !== null;

  /** The job that fetches its weights; one that had failed before the server was asked for is of no account. */
  function weightsFor(server: Server, node: string) {
    const seen = weightsOf(server.plan, operator, node, { pods, jobs });
    const stale = seen?.state === 'failed' && Date.parse(seen.endedAt ?? '') < Date.parse(server.askedAt);
    return { seen: stale ? null : seen, stale: stale ? seen : null };
  }

  async function fetchWeights(
    server: Server,
    rendering: Rendering,
    node: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { seen, stale } = weightsFor(server, node);
    const pod = podOf(server.key);
    if (stale !== null) await objects.remove(BATCH_JOBS, stale.job, signal);
    else if (seen === null && (pod === null || !holdsWeights(pod)))
      await objects.fetchWeights(rendering, node, signal);
  }

  function holdsWeights(pod: OwnPod): boolean {
    return pod.containers.some(({ name, started }) => name === 'watch' && started);
  }

  async function moveAway(server: Server, pod: OwnPod, signal: AbortSignal): Promise<void> {
    if (server.told?.fault?.reason === 'SERVER_UNSCHEDULABLE' && server.node !== null)
      server.avoid.set(server.node, clock.monotonic() + AVOID_MS);
    log.warn({ server: server.key, node: server.node, why: server.told?.detail }, 'model server is moved');
    await objects.remove(PODS, pod, signal);
    server.node = null;
  }

  async function remove(server: Server, signal: AbortSignal): Promise<number | null> {
    const pod = podOf(server.key);
    if (pod !== null) await objects.remove(PODS, pod, signal);
    await objects.clear(server.key, namespace, signal);
    // Comes again when the pod has gone.
    if (anyPodOf(server.key) === null && servers.get(server.key) === server) servers.delete(server.key);
    return null;
  }

  async function lookAt(server: Server, signal: AbortSignal): Promise<number> {
    const { plan, key } = server;
    const pod = podOf(key);
    if (plan === null || server.stopping) return LOOK_MS;
    const life = lifeOf(pod);
    if (server.warm !== null && server.warm.life !== life) server.warm = null;
    if (life === null) server.health = null;
    const { seen } = weightsFor(server, pod?.node || server.node || '');
    server.fetched = await progressOf(seen?.pod ?? null, server.fetched, signal);
    if (life !== null && pod !== null) {
      server.cache =
        server.warm === null ? ((await askProgress(pod.ip, signal)) ?? server.cache) : server.cache;
      server.apiKey ??= await objects.key(key, signal);
      const needsToken = server.warm === null && server.health?.answers !== true;
      server.health = await askServer(pod.ip, plan.modelId, server.apiKey ?? '', { needsToken, signal });
      if (server.warm === null && server.health.answers && isWarm(server.cache, life, plan)) {
        server.warm = { at: now(), life };
        server.restartsWhenWarm = restartsOf(pod);
        log.info({ server: key }, 'model server is ready');
      }
    }
    const before = server.told;
    server.told = tell({
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
    if (before?.phase !== server.told.phase && server.told.phase === 'failed')
      log.warn(
        { server: key, reason: server.told.fault?.reason, detail: server.told.detail },
        'model server failed',
      );
    queue.add(key);
    if (server.told.phase === 'failed') return FAILED_LOOK_MS;
    return server.told.phase === 'ready' ? READY_LOOK_MS : LOOK_MS;
  }

  /** Its cache has not grown for a while, or nobody tells. */
  function isWarm(cache: Progress | null, life: string, plan: PodPlan): boolean {
    const quietMs = clock.now() - Math.max(Date.parse(cache?.lastGrowth ?? life), Date.parse(life));
    return quietMs >= (cache === null ? UNWATCHED_MS : plan.budgets.settleMs);
  }

  return {
    kind: 'kubernetes',
    need: (target): Need => needOf(options.planOf(target), operator),
    nodes: () => options.rooms(),
    ensure({ key, target, node, waits }: ServerSpec) {
      const known = servers.get(key);
      const server = known === undefined || known.stopping ? put(key, options.planOf(target)) : known;
      // Its pod still goes: there is where it is counted, and where it comes again.
      if (known?.stopping === true) server.node = anyPodOf(key)?.annotations[NODE_ANNOTATION] ?? null;
      server.plan ??= options.planOf(target);
      server.waits = waits;
      if (node === null || server.node === node || podOf(key) !== null) return;
      server.node = node;
      queue.add(key);
    },
    view(key): ServerView | null {
      const server = servers.get(key);
      if (server === undefined || server.stopping) return null;
      const pod = podOf(key);
      const { plan, told } = server;
      return {
        // Another pod, or another life of its container, since it was looked at.
        phase:
          told?.phase === 'ready' && server.warm?.life !== lifeOf(pod)
            ? 'starting'
            : (told?.phase ?? 'starting'),
        fault: told?.fault ?? null,
        detail: told?.detail ?? 'starts',
        baseUrl: pod === null || pod.ip === '' ? '' : baseUrlOf(pod.ip),
        model: plan?.modelId ?? '',
        ceiling: plan?.ceiling ?? 1,
        contextLength: plan?.contextLength ?? 0,
        restarts: restartsOf(pod),
        secret: keyName(key),
        ...(pod === null || pod.node === '' ? {} : { node: pod.node }),
        start: told?.start ?? [],
        ownDeadline: true,
      };
    },
    keys: () => [...servers.values()].filter(({ stopping }) => !stopping).map(({ key }) => key),
    housed: () =>
      [...servers.values()].map(({ key, plan, node, avoid }): Housed => {
        const pod = podOf(key);
        return {
          key,
          need: pod === null ? (plan === null ? null : needOf(plan, operator)) : takenBy(pod),
          node: pod === null ? node : pod.node || (pod.annotations[NODE_ANNOTATION] ?? node),
          avoid: [...avoid].filter(([, until]) => until > clock.monotonic()).map(([name]) => name),
        };
      }),
    async stop(key) {
      const server = servers.get(key);
      if (server === undefined) return;
      server.stopping = true;
      server.stop.abort();
      queue.add(key);
    },
    async close() {
      unhear();
      stop.abort();
      await Promise.all([queue.done, ...looking]);
    },
  };
}

async function progressOf(
  pod: OwnPod | null,
  before: Progress | null,
  signal: AbortSignal,
): Promise<Progress | null> {
  if (pod === null || pod.ip === '' || pod.phase !== 'Running') return before;
  return (await askProgress(pod.ip, signal)) ?? before;
}

/** Since when the server's container runs. */
function lifeOf(pod: OwnPod | null): string | null {
  return serverOf(pod)?.runningSince ?? null;
}

function restartsOf(pod: OwnPod | null): number {
  return serverOf(pod)?.restarts ?? 0;
}

/** What it was counted with when it was made. */
function takenBy(pod: OwnPod): Need | null {
  const text = pod.annotations[NEED_ANNOTATION];
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as Need;
  } catch (error) {
    throw new AssayError('INTERNAL', `${pod.name}: its annotation ${NEED_ANNOTATION} is no JSON`, {
      cause: error,
    });
  }
}
