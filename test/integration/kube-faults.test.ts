import { systemClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Access, type KubeClient, type KubeObject, LEASES, openAccess, PODS } from '@assay/lib/kube';
import { reflect } from '../../services/scheduler/adapters/kubernetes/reflector.ts';
import { versionOf } from '../../services/scheduler/adapters/kubernetes/trimmed.ts';
import { event, halfOpen, json, startKubeApi, status, stream, type KubeApi } from '../support/kube-api.ts';
import { clientOf, type TestClient } from '../support/kube-world.ts';

let api: KubeApi;
let access: Access;
let own: TestClient;
let client: KubeClient;
const stop: AbortController[] = [];
beforeAll(async () => {
  api = await startKubeApi();
  access = await openAccess({ kubeconfig: api.kubeconfig, clock: systemClock });
});
beforeEach(() => {
  own = clientOf(access);
  ({ client } = own);
});
afterEach(() => {
  for (const one of stop.splice(0)) one.abort();
  client.close();
  api.reset();
});
afterAll(() => api.stop());

const at = { namespace: 'ns', name: 'a' };
const pod = (name: string, resourceVersion: string): KubeObject => ({
  metadata: { name, namespace: 'ns', uid: name, resourceVersion },
});
const list = (...items: KubeObject[]) => json({ items, metadata: { resourceVersion: '10' } });

describe('the client', () => {
  it('sends again after as long as a 429 asks for, and gives up at its deadline', async () => {
    api.on(/GET .*pods\/a/, status(429, 'TooManyRequests', { 'retry-after': '1' }), json(pod('a', '1')));
    expect(await client.get(PODS, at)).toMatchObject({ metadata: { name: 'a' } });
    const [first, second] = api.asked;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(990);
    api.on(/GET .*pods\/a/, status(429, 'TooManyRequests', { 'retry-after': '30' }));
    await expect(client.get(PODS, at, { deadlineMs: 200 })).rejects.toMatchObject({
      reason: 'CLUSTER_UNAVAILABLE',
      permanent: false,
    });
  });

  it.each([
    ['500', status(500, 'InternalError')],
    ['503', status(503, 'ServiceUnavailable')],
    ['no JSON', stream(['{"metadata": '], 'close')],
    ['a reset', stream(['{"metadata": '], 'reset')],
    ['nothing', halfOpen],
  ])('takes %s for a fault that passes', async (_, answer) => {
    api.on(/GET/, answer);
    await expect(client.get(PODS, at, { deadlineMs: 300 })).rejects.toMatchObject({
      reason: 'CLUSTER_UNAVAILABLE',
      permanent: false,
    });
  });

  it('asks with its token once more before it says that it is not known', async () => {
    api.on(/GET/, status(401, 'Unauthorized'), json(pod('a', '1')));
    expect(await client.get(PODS, at)).not.toBeNull();
    api.on(/GET/, status(401, 'Unauthorized'));
    await expect(client.get(PODS, at)).rejects.toMatchObject({ reason: 'CLUSTER_UNAUTHENTICATED' });
  });

  it('sends nothing that its guard refuses, not even when it had to wait for the answer 429', async () => {
    let holds = true;
    const guard = () => {
      if (!holds) throw new Error('not any more');
    };
    api.on(/PATCH/, (request, response) => {
      holds = false;
      status(429, 'TooManyRequests', { 'retry-after': '0.1' })(request, response);
    });
    await expect(client.apply(PODS, pod('a', '1'), { guard })).rejects.toThrow('not any more');
    expect(api.asked).toHaveLength(1);
  });

  it('never lets the Lease wait behind other requests', async () => {
    const slow = clientOf(access, { qps: 0.1, burst: 1 });
    api.on(/GET/, json(pod('a', '1')));
    await slow.client.get(PODS, at);
    await expect(slow.client.get(PODS, at, { deadlineMs: 200 })).rejects.toThrow('no answer within');
    await slow.client.get(LEASES, at, { deadlineMs: 200 });
    slow.client.close();
  });
});

describe('the reflector', () => {
  const log = createLog({ service: 'test', level: 'silent' });
  const start = () => {
    const end = new AbortController();
    stop.push(end);
    const trim = ({ metadata }: KubeObject) => versionOf(metadata);
    // Its pauses are real here, but short.
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 50, signal),
    };
    return reflect({ ...own, resource: PODS, trim, clock, log }, end.signal);
  };
  const until = async (holds: () => boolean | Promise<boolean>) => {
    for (let n = 0; !(await holds()); n += 1) {
      if (n > 500) expect.fail('not within 5 s');
      await systemClock.sleep(10);
    }
  };

  it.each([
    ['closes', stream([event('ADDED', pod('b', '11'))], 'close'), 'closed', '11', 1],
    ['is reset', stream([event('ADDED', pod('b', '11')), '{"type"'], 'reset'), 'reset', '11', 1],
    ['breaks its JSON', stream([event('ADDED', pod('b', '11')), '{"type"\n'], 'hang'), 'bad_json', '11', 1],
    ['answers 500', status(500, 'InternalError'), 'http_500', '10', 1],
    ['answers 410', status(410, 'Expired'), 'expired', '10', 2],
    [
      'says 410',
      stream([event('ERROR', { code: 410, reason: 'Expired', message: 'too old' })], 'hang'),
      'expired',
      '10',
      2,
    ],
    ['says 500', stream([event('ERROR', { code: 500, message: 'etcd' })], 'hang'), 'error_event', '10', 2],
  ])('goes on when a watch %s', async (_, fault, reason, from, lists) => {
    api.on(/GET [^?]*pods\?limit/, list(pod('a', '9')));
    api.on(/watch=true/, fault, stream([event('ADDED', pod('c', '12'))], 'hang'));
    const pods = start();
    await until(() => pods.get('ns/c') !== undefined);
    expect(pods.get('ns/a')).toBeDefined();
    const lines = api.asked.map(({ line }) => line);
    expect(lines.filter((line) => !line.includes('watch='))).toHaveLength(lists);
    expect(lines.at(-1)).toContain(`resourceVersion=${from}&`);
    expect(lines.at(-1)).toContain('allowWatchBookmarks=true');
    expect(await own.counted()).toContain(
      `assay_test_kube_watch_restarts_total{resource="pods",reason="${reason}"} 1`,
    );
  });

  it('gives up a connection on which nothing comes', async () => {
    api.on(/watch=true/, stream([event('BOOKMARK', pod('', '11'))], 'hang'));
    const seen: string[] = [];
    const from = { resourceVersion: '1', timeoutSeconds: 300 };
    const events = client.watch(PODS, from, { quietMs: 200 });
    const all = (async () => {
      for await (const { type } of events) seen.push(type);
    })();
    await expect(all).rejects.toMatchObject({ reason: 'CLUSTER_UNAVAILABLE', kind: 'deadline' });
    expect(seen).toEqual(['BOOKMARK']);
    api.on(/watch=true/, halfOpen);
    const never = client.watch(PODS, from, { quietMs: 60_000, deadlineMs: 200 })[Symbol.asyncIterator]();
    await expect(never.next()).rejects.toMatchObject({ kind: 'deadline' });
  });
});
