import type { ModelTarget } from '@assay/lib/domain';
import { loop } from '@assay/lib/loop';
import type { Cluster, ServerSpec, ServerView } from '../../ports.ts';
import { keyName, NODE_ANNOTATION } from './pod/names.ts';
import { needOf } from './pod/need.ts';
import type { PodPlan } from './pod/plan.ts';
import type { Reflector } from './reflector.ts';
import { housedOf, lifeOf, newServer, restartsOf, type Server } from './server.ts';
import type { ServerContext } from './server-context.ts';
import { follow } from './server-follow.ts';
import { baseUrlOf } from './server-look.ts';
import { serverPods } from './server-pods.ts';
import { reconcile, remove } from './server-reconcile.ts';
import type { OwnPod, Pod } from './trim-pod.ts';
import { workQueue } from './work-queue.ts';

export interface KubernetesCluster extends Omit<ServerContext, 'pods'> {
  readonly pods: Reflector<Pod>;
  readonly planOf: (target: ModelTarget) => PodPlan;
}

const RESYNC_MS = 60_000;
const BACKOFF = { firstMs: 500, mostMs: 30_000, random: Math.random };

/** Model servers as pods. They live on when it is closed: the next leader finds them, and joins them. */
export function kubernetesCluster(options: KubernetesCluster): Cluster {
  const { operator, clock, log, planOf } = options;
  const pods = serverPods(options.pods, operator.namespace);
  const world: ServerContext = { ...options, pods };
  const servers = new Map<string, Server>();
  const following = new Set<Promise<void>>();
  const stop = new AbortController();

  async function handle(key: string, signal: AbortSignal): Promise<null> {
    const server = servers.get(key);
    if (server === undefined) return null;
    if (!server.stopping) await reconcile(world, server, signal);
    else if ((await remove(world, server, signal)) && servers.get(key) === server) servers.delete(key);
    return null;
  }

  const queue = workQueue(
    {
      name: 'model servers',
      handle,
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

  function put(key: string, plan: PodPlan | null): Server {
    const server = newServer(key, plan, pods.live(key)?.createdAt ?? new Date(clock.now()).toISOString());
    servers.set(key, server);
    const step = async (signal: AbortSignal): Promise<number> => {
      const pauseMs = await follow(world, server, signal);
      queue.add(key);
      return pauseMs;
    };
    const until = AbortSignal.any([stop.signal, server.stop.signal]);
    const followed = loop({ name: `server ${key}`, step, log, clock }, until);
    following.add(followed);
    void followed.finally(() => following.delete(followed));
    return server;
  }

  // What an earlier leader made is found here, and waits for a job that asks for it.
  const unhear = pods.onServer((key) => {
    if (!servers.has(key) && pods.any(key) !== null) put(key, null);
    queue.add(key);
  });

  return {
    kind: 'kubernetes',
    need: (target) => needOf(planOf(target), operator),
    nodes: () => options.rooms(),
    ensure({ key, target, node, waits }: ServerSpec) {
      const known = servers.get(key);
      const server = known === undefined || known.stopping ? put(key, planOf(target)) : known;
      // Its pod still goes: there is where it is counted, and where it comes again.
      if (known?.stopping === true) server.node = pods.any(key)?.annotations[NODE_ANNOTATION] ?? null;
      server.plan ??= planOf(target);
      server.waits = waits;
      if (node === null || server.node === node || pods.live(key) !== null) return;
      server.node = node;
      queue.add(key);
    },
    view(key) {
      const server = servers.get(key);
      return server === undefined || server.stopping ? null : viewOf(server, pods.live(key));
    },
    keys: () => [...servers.values()].filter(({ stopping }) => !stopping).map(({ key }) => key),
    housed: () =>
      [...servers.values()].map((server) =>
        housedOf(server, pods.any(server.key), operator, clock.monotonic()),
      ),
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
      await Promise.all([queue.done, ...following]);
    },
  };
}

function viewOf({ key, plan, told, warm }: Server, pod: OwnPod | null): ServerView {
  // Another pod, or another life of its container, since it was looked at.
  const isOld = told?.phase === 'ready' && warm?.life !== lifeOf(pod);
  return {
    phase: told === null || isOld ? 'starting' : told.phase,
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
}
