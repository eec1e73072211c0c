import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { NAMESPACE, SANDBOXES, SERVERS } from './installation.ts';

/** Where each kind of pod is, and what tells it. */
const PODS: Readonly<Record<string, readonly [namespace: string, selector: string]>> = {
  runner: [NAMESPACE, 'app.kubernetes.io/component=runner'],
  sandbox: [SANDBOXES, 'app.kubernetes.io/component=sandbox'],
  'model server': [SERVERS, 'app.kubernetes.io/component=model-server'],
  nats: [NAMESPACE, 'app.kubernetes.io/component=nats'],
  reporter: [NAMESPACE, 'app.kubernetes.io/component=reporter'],
  scheduler: [NAMESPACE, 'app.kubernetes.io/component=scheduler'],
};

export const DELETED = Object.keys(PODS);

/**
 * Deletes one pod of each kind, one kind after the other: the next once the job has got `step` samples and scores further
 * and the one that takes the deleted pod's place is ready. Gives what was deleted, in order.
 */
export async function deleteOneOfEach(
  cluster: Cluster,
  progress: () => Promise<number>,
  step: number,
): Promise<readonly string[]> {
  const deleted: string[] = [];
  let from = await progress();
  for (const [kind, [namespace, selector]] of Object.entries(PODS)) {
    from = await further(progress, from + step);
    const pods = await podsOf(cluster, namespace, selector);
    const pod = pods.find(({ ready }) => ready);
    if (pod === undefined) throw new Error(`no ready pod of ${kind} to delete`);
    await cluster.kubectl(['delete', 'pod', pod.name, '-n', namespace, '--wait=false']);
    deleted.push(kind);
    await replaced(cluster, namespace, selector, pod);
  }
  return deleted;
}

async function further(progress: () => Promise<number>, goal: number): Promise<number> {
  for (const until = Date.now() + 120_000; ;) {
    const now = await progress();
    if (now >= goal) return now;
    if (Date.now() > until) throw new Error(`the job stays at ${now} of ${goal}`);
    await sleep(250);
  }
}

async function replaced(cluster: Cluster, namespace: string, selector: string, old: Pod): Promise<void> {
  for (const until = Date.now() + 120_000; ;) {
    const pods = await podsOf(cluster, namespace, selector);
    if (pods.some(({ uid, ready }) => uid !== old.uid && ready)) return;
    if (Date.now() > until) throw new Error(`nothing has taken the place of ${old.name}`);
    await sleep(250);
  }
}

interface Pod {
  readonly uid: string;
  readonly name: string;
  readonly ready: boolean;
}

interface Listed {
  readonly metadata: { readonly uid: string; readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function podsOf(cluster: Cluster, namespace: string, selector: string): Promise<readonly Pod[]> {
  const said = await cluster.kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json']);
  return (JSON.parse(said) as { readonly items: readonly Listed[] }).items.map(({ metadata, status }) => ({
    uid: metadata.uid,
    name: metadata.name,
    ready:
      metadata.deletionTimestamp === undefined &&
      (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  }));
}
