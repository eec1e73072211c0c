import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@assay/lib/clock';
import { kubernetesAdmission } from '@assay/lib/identity';
import { openAccess, type Access } from '@assay/lib/kube';
import type { Identity } from '@assay/lib/rpc';
import { halfOpen, json, startKubeApi, status, stream, type KubeApi } from '../support/kube-api.ts';
import { clientOf, type TestClient } from '../support/kube-world.ts';

const BOB: Identity = { tenant: 'team-b', user: 'system:serviceaccount:team-b:bob', groups: [] };
const USER = { authenticated: true, user: { username: BOB.user }, audiences: ['assay'] };
const claims = Buffer.from(JSON.stringify({ iss: 'k', aud: 'assay' })).toString('base64url');
const TOKEN = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${claims}.c2ln`;

let api: KubeApi;
let access: Access;
const open: TestClient[] = [];
beforeAll(async () => {
  api = await startKubeApi();
  access = await openAccess({ kubeconfig: api.kubeconfig, clock: systemClock });
});
afterEach(() => {
  for (const { client } of open.splice(0)) client.close();
  api.reset();
});
afterAll(() => api.stop());

function admission() {
  const made = clientOf(access);
  open.push(made);
  return kubernetesAdmission({ client: made.client, clock: systemClock });
}

describe('an API server that', () => {
  it.each([
    ['answers 500', status(500, 'InternalError')],
    ['answers 503', status(503, 'ServiceUnavailable')],
    ['asks for patience', status(429, 'TooManyRequests', { 'retry-after': '30' })],
    ['does not know our own token', status(401, 'Unauthorized')],
    ['lets us review nothing', status(403, 'Forbidden')],
    ['sends no JSON', stream(['{"status": '], 'close')],
    ['says nothing', halfOpen],
  ])('%s blames no caller, and says so within seconds', { timeout: 30_000 }, async (_, answer) => {
    api.on(/POST/, answer);
    const { authenticate, authorize } = admission();
    const start = performance.now();
    const away = { reason: 'UNAVAILABLE', permanent: false };
    await Promise.all([
      expect(authenticate(TOKEN)).rejects.toMatchObject(away),
      expect(authorize(BOB, 'get')).rejects.toMatchObject(away),
    ]);
    expect(performance.now() - start).toBeLessThan(8_000);
  });

  it('is back is believed at once', async () => {
    api.on(/POST .*tokenreviews/, status(500, 'InternalError'), json({ status: USER }));
    api.on(/POST .*subjectaccessreviews/, status(500, 'InternalError'), json({ status: { allowed: true } }));
    const { authenticate, authorize } = admission();
    await expect(authenticate(TOKEN)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    await expect(authorize(BOB, 'get')).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
    expect(await authenticate(TOKEN)).toEqual(BOB);
    await authorize(BOB, 'get');
  });

  it('is asked once for a hundred calls of one caller', async () => {
    api.on(/POST .*tokenreviews/, json({ status: USER }));
    api.on(/POST .*subjectaccessreviews/, json({ status: { allowed: true } }));
    const { authenticate, authorize } = admission();
    const calls = Array.from({ length: 100 }, async () => authorize(await authenticate(TOKEN), 'list'));
    await Promise.all(calls);
    expect(api.asked.map(({ line }) => line.split('?')[0])).toEqual([
      'POST /apis/authentication.k8s.io/v1/tokenreviews',
      'POST /apis/authorization.k8s.io/v1/subjectaccessreviews',
    ]);
  });
});
