import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AssayError, passing } from '@assay/lib/errors';
import type { Forward, UserCluster } from '@assay/lib/kube';
import { accountTokens, reach } from './cluster.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const HOUR_MS = 3_600_000;

function setting() {
  const world = {
    asked: [] as string[],
    closed: 0,
    refusal: null as AssayError | null,
    fault: null as AssayError | null,
    life: HOUR_MS,
  };
  const cluster: UserCluster = {
    namespace: 'mine',
    async forward({ namespace, labels, port }): Promise<Forward> {
      world.asked.push(`${namespace} ${labels} ${port}`);
      if (world.refusal !== null && world.asked.length > 1) throw world.refusal;
      const close = () => void (world.closed += 1);
      return { address: `127.0.0.1:${world.asked.length}`, fault: () => world.fault, close };
    },
    async createToken({ namespace, name }, audience) {
      world.asked.push(`${namespace}/${name} ${audience}`);
      if (world.refusal !== null) throw world.refusal;
      return { token: `token ${world.asked.length}`, endsMs: Date.now() + world.life };
    },
  };
  return { world, cluster };
}

describe('the services of a cluster', () => {
  it('are found by their component, in the namespace of Assay', async () => {
    const { world, cluster } = setting();
    const reached = await reach(cluster, 'assay');
    expect(reached).toMatchObject({ scheduler: '127.0.0.1:1', reporter: '127.0.0.1:2' });
    expect(world.asked).toEqual([
      'assay app.kubernetes.io/component=scheduler grpc',
      'assay app.kubernetes.io/component=reporter grpc',
    ]);
    reached.close();
    expect(world.closed).toBe(2);
  });

  it('that are not there are said to be, with what to look at, and nothing stays open', async () => {
    const { world, cluster } = setting();
    world.refusal = passing('UNAVAILABLE', 'namespace "assay" has no pod');
    await expect(reach(cluster, 'assay')).rejects.toThrow(
      'the reporter cannot be reached: namespace "assay" has no pod; --kube-namespace names the one where Assay is ' +
        'installed, `kubectl get pods --namespace assay` shows what is in it',
    );
    expect(world.closed).toBe(1);
  });

  it('fail for the reason that the forwarded port knows', async () => {
    const { world, cluster } = setting();
    const reached = await reach(cluster, 'assay');
    const seen = passing('UNAVAILABLE', '127.0.0.1:1 cannot be reached: read ECONNRESET');
    expect(reached.explain(seen)).toBe(seen);
    world.fault = passing('UNAVAILABLE', 'none of 1 pod(s) is ready');
    expect(reached.explain(seen)).toBe(world.fault);
    const other = new AssayError('NOT_FOUND', 'there is no job');
    expect(reached.explain(other)).toBe(other);
  });
});

describe('the token of a service account', () => {
  it('is for Assay, of the context’s namespace unless another is named, and renewed before it ends', async () => {
    const { world, cluster } = setting();
    const own = await accountTokens(cluster, 'me');
    expect(own.token()).toBe('token 1');
    await vi.advanceTimersByTimeAsync(0.79 * HOUR_MS);
    expect(own.token()).toBe('token 1');
    await vi.advanceTimersByTimeAsync(0.02 * HOUR_MS);
    expect(own.token()).toBe('token 2');
    own.close();
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
    (await accountTokens(cluster, 'team-a/me')).close();
    expect(world.asked).toEqual(['mine/me assay', 'mine/me assay', 'team-a/me assay']);
  });

  it('that cannot be renewed is used on, and asked for again', async () => {
    const { world, cluster } = setting();
    const source = await accountTokens(cluster, 'me');
    world.refusal = passing('CLUSTER_UNAVAILABLE', 'gone');
    await vi.advanceTimersByTimeAsync(0.8 * HOUR_MS + 25_000);
    expect(source.token()).toBe('token 1');
    expect(world.asked).toHaveLength(4);
    world.refusal = null;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(source.token()).toBe('token 5');
    source.close();
  });

  it.each([
    [
      new AssayError('NOT_FOUND', 'no'),
      'INVALID_REQUEST',
      'there is no service account "me" in namespace "mine"; `kubectl create serviceaccount me --namespace mine` makes it',
    ],
    [
      new AssayError('CLUSTER_FORBIDDEN', 'no'),
      'CLUSTER_FORBIDDEN',
      '`kubectl auth can-i create serviceaccounts/token --namespace mine` shows it',
    ],
    [passing('CLUSTER_UNAVAILABLE', 'gone'), 'CLUSTER_UNAVAILABLE', 'gone'],
  ])('that is not given (%s) says what to do', async (refusal, reason, why) => {
    const { world, cluster } = setting();
    world.refusal = refusal;
    const refused = accountTokens(cluster, 'me');
    await expect(refused).rejects.toMatchObject({ reason });
    await expect(refused).rejects.toThrow(why);
  });

  it('is not asked for by a name that is none', async () => {
    const { world, cluster } = setting();
    await expect(accountTokens(cluster, 'a/b/c')).rejects.toThrow('not the name of a service account');
    expect(world.asked).toEqual([]);
  });
});
