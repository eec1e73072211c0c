import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_MAPS, type KubeClient, type KubeObject, NODES, PODS, type Resource } from '@assay/lib/kube';
import { canRunKubeServer, startKubeServer, type KubeServer } from '../support/kube-server.ts';
import { clientFor, installAccount, NAMESPACE, startScript } from '../support/kube-world.ts';
import { othersPod } from '../support/load-pods.ts';

const TOKEN_REVIEWS: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
};
const MIB = 1024 * 1024;

describe.skipIf(!canRunKubeServer())('the client on a real API server', () => {
  let server: KubeServer;
  let account: KubeClient;
  let admin: KubeClient;
  beforeAll(async () => {
    server = await startKubeServer();
    account = (await clientFor(await installAccount(server))).client;
    admin = (await clientFor(server.kubeconfig)).client;
  });
  afterAll(async () => {
    account?.close();
    admin?.close();
    await server?.stop();
  });
  const map = (name: string, data: Record<string, string>, more: object = {}) => ({
    metadata: { namespace: NAMESPACE, name, ...more },
    data,
  });
  const at = (name: string) => ({ namespace: NAMESPACE, name });

  it('applies: its fields become exactly what it says, whoever else had set them', async () => {
    await account.create(CONFIG_MAPS, NAMESPACE, map('applied', { a: 'theirs', z: 'theirs' }));
    await account.apply(CONFIG_MAPS, map('applied', { a: '1', b: '1' }));
    const second = await account.apply(CONFIG_MAPS, map('applied', { a: '2' }));
    expect(second).toMatchObject({ data: { a: '2', z: 'theirs' } });
    expect(second).not.toHaveProperty('data.b');
    expect(second).toHaveProperty(
      'metadata.managedFields',
      expect.arrayContaining([expect.objectContaining({ manager: 'assay-scheduler', operation: 'Apply' })]),
    );
    expect(await account.apply(CONFIG_MAPS, map('dry', {}), { dryRun: true })).toBeDefined();
    expect(await account.get(CONFIG_MAPS, at('dry'))).toBeNull();
    await expect(account.apply(CONFIG_MAPS, { ...map('typo', {}), dada: {} })).rejects.toThrow('dada');
  });

  it('replaces by compare-and-set, and deletes that very object only', async () => {
    const made = await account.create(CONFIG_MAPS, NAMESPACE, map('cas', { n: '1' }));
    const { resourceVersion, uid = '' } = made.metadata;
    const conflict = { reason: 'CLUSTER_CONFLICT', permanent: false };
    await expect(account.create(CONFIG_MAPS, NAMESPACE, map('cas', {}))).rejects.toMatchObject(conflict);
    const again = map('cas', { n: '2' }, { resourceVersion });
    await account.replace(CONFIG_MAPS, again);
    await expect(account.replace(CONFIG_MAPS, again)).rejects.toMatchObject(conflict);
    const other = { uid: '00000000-0000-0000-0000-000000000000' };
    await expect(account.delete(CONFIG_MAPS, at('cas'), other)).rejects.toMatchObject(conflict);
    await expect(
      account.delete(CONFIG_MAPS, at('cas'), { uid, ...(resourceVersion && { resourceVersion }) }),
    ).rejects.toMatchObject(conflict);
    expect(await account.delete(CONFIG_MAPS, at('cas'), { uid })).toBe('deleted');
    expect(await account.delete(CONFIG_MAPS, at('cas'), { uid })).toBe('gone');
  });

  it('names the right that is missing, the namespace that is not there, and a token that is none', async () => {
    const listing = account.list(PODS, { namespace: 'kube-system', limit: 1 });
    await expect(listing).rejects.toMatchObject({ reason: 'CLUSTER_FORBIDDEN', permanent: true });
    await expect(listing).rejects.toThrow('may not list pods in namespace "kube-system"');
    await expect(
      admin.apply(CONFIG_MAPS, { metadata: { namespace: 'nowhere', name: 'a' } }),
    ).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    const stranger = (await clientFor(await server.kubeconfigFor('not-a-token'))).client;
    await expect(stranger.get(PODS, at('a'))).rejects.toMatchObject({ reason: 'CLUSTER_UNAUTHENTICATED' });
    stranger.close();
  });

  it('creates a review to have it answered', async () => {
    const review = await admin.create(TOKEN_REVIEWS, undefined, { spec: { token: 'x' }, metadata: {} });
    expect(review).toHaveProperty('status.error', expect.stringContaining('invalid'));
    expect(review).not.toHaveProperty('status.authenticated');
  });

  it('holds 5,000 pods on 500 nodes small, never blocks for long, and follows what changes', async () => {
    await admin.apply({ ...CONFIG_MAPS, plural: 'namespaces', kind: 'Namespace' }, named('full'));
    await inLanes(500, (n) => admin.create(NODES, undefined, node(n)));
    await inLanes(5_000, (n) => admin.create(PODS, 'full', pod(n)));
    const watcher = startScript('kube-watcher.ts', [server.kubeconfig]);
    const told = async (field: string) => {
      for (let tries = 0; tries < 1_200; tries += 1) {
        const line = watcher.said.find((said) => field in said);
        if (line !== undefined) return line;
        await sleep(50);
      }
      return expect.fail(`it never said ${field}`);
    };
    try {
      expect(await told('syncedMs')).toMatchObject({ pods: 5_000, nodes: 500 });
      const cost = (await told('residentBytes')) as Record<string, number>;
      const [idle, resident] = [cost['idleBytes'] ?? 0, cost['residentBytes'] ?? 0].map(
        (bytes) => bytes / MIB,
      );
      console.log(
        `resident ${resident?.toFixed(0)} MiB, ${idle?.toFixed(0)} MiB before`,
        await told('syncedMs'),
      );
      console.log(`blocked at most ${cost['blockedMs']?.toFixed(0)} ms`);
      expect(resident).toBeLessThan(200); // the goal for the whole scheduler is 300
      expect(cost['blockedMs']).toBeLessThan(200);
      const first = { namespace: 'full', name: 'pod-0' };
      await admin.patch(PODS, first, { metadata: { labels: { changed: 'yes' } } });
      expect(await told('changed')).toEqual({ changed: 'full/pod-0', phase: 'Pending' });
      watcher.kill('SIGTERM');
      expect(await watcher.ended).toBe(0);
    } finally {
      watcher.kill('SIGKILL');
    }
  }, 240_000);
});

function named(name: string): KubeObject {
  return { metadata: { name } };
}

async function inLanes(count: number, make: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) await make(n);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

function node(n: number): object {
  const labels = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`example.com/label-${i}`, `n-${n}`]),
  );
  return { metadata: { name: `node-${n}`, labels, annotations: { filler: 'x'.repeat(4_000) } } };
}

function pod(n: number): object {
  const ours = n % 10 === 0 ? { 'app.kubernetes.io/managed-by': 'assay' } : {};
  return othersPod(`pod-${n}`, `node-${n % 500}`, ours);
}
