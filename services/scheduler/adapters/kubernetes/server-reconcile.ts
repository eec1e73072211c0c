import { BATCH_JOBS, PODS } from '@assay/lib/kube';
import { NODE_ANNOTATION, WATCH_CONTAINER } from './pod/names.ts';
import type { Rendering } from './pod/render.ts';
import type { Server } from './server.ts';
import { weightsFor, type ServerContext } from './server-context.ts';
import type { OwnPod } from './trim-pod.ts';

/** A node that turned a server away is looked at again after this. */
const AVOID_MS = 5 * 60_000;

/** Makes what is missing of a server that is wanted: weights, then its pod where it shall be; moves one that is of no use. */
export async function reconcile(world: ServerContext, server: Server, signal: AbortSignal): Promise<void> {
  const { pods, objects, operator, anchor, log } = world;
  const { key, plan } = server;
  if (plan === null || server.told?.phase === 'failed') return;
  const rendering = { key, plan, operator, anchor };
  const pod = pods.live(key);
  if (pod === null && server.node !== null && isClosed(world, server.node)) server.node = null;
  const node = pod?.node || server.node;
  if (node !== null && node !== '') await fetchWeights(world, server, rendering, node, signal);
  if (pod !== null) {
    server.node ??= pod.annotations[NODE_ANNOTATION] ?? null;
    if (server.told?.move === true) await moveAway(world, server, pod, signal);
    return;
  }
  // One that still goes has the name; its end is heard.
  if (server.node === null || pods.any(key) !== null) return;
  log.info({ server: key, node: server.node, image: plan.image }, 'model server is made');
  server.apiKey = await objects.make(rendering, server.node, signal);
}

/** Removes all that there is of a server; true once nothing is left. */
export async function remove(world: ServerContext, server: Server, signal: AbortSignal): Promise<boolean> {
  const { pods, objects, operator } = world;
  const pod = pods.live(server.key);
  if (pod !== null) await objects.remove(PODS, pod, signal);
  await objects.clear(server.key, operator.namespace, signal);
  return pods.any(server.key) === null;
}

function isClosed({ rooms }: ServerContext, name: string): boolean {
  return rooms().find((node) => node.name === name)?.closed !== null;
}

async function fetchWeights(
  world: ServerContext,
  server: Server,
  rendering: Rendering,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  const { pods, objects } = world;
  const { seen, stale } = weightsFor(world, server, node);
  const pod = pods.live(server.key);
  if (stale !== null) await objects.remove(BATCH_JOBS, stale.job, signal);
  else if (seen === null && (pod === null || !holdsWeights(pod)))
    await objects.fetchWeights(rendering, node, signal);
}

function holdsWeights(pod: OwnPod): boolean {
  return pod.containers.some(({ name, started }) => name === WATCH_CONTAINER && started);
}

async function moveAway(
  { objects, clock, log }: ServerContext,
  server: Server,
  pod: OwnPod,
  signal: AbortSignal,
): Promise<void> {
  if (server.told?.fault?.reason === 'SERVER_UNSCHEDULABLE' && server.node !== null)
    server.avoid.set(server.node, clock.monotonic() + AVOID_MS);
  log.warn({ server: server.key, node: server.node, why: server.told?.detail }, 'model server is moved');
  await objects.remove(PODS, pod, signal);
  server.node = null;
}
