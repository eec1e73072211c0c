import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import { JobState } from '@assay/proto/assay/v1/job';
import { startIssuer, type Issuer } from '../../lib/identity/testing/issuer.ts';
import { assayProcess } from '../support/assay-process.ts';
import { goodTask } from '../support/bad-input/tasks.ts';
import { canRunKubeServer, startKubeServer, type KubeServer } from '../support/kube-server.ts';
import { bindUser, installTenants, SCHEDULER, tokenOf } from '../support/kube-tenants.ts';
import { kubectl, NAMESPACE } from '../support/kube-world.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startStack, type Stack } from '../support/stack.ts';
import { tenantOf, type Addresses, type Tenant } from '../support/tenant.ts';

const NONE = 'aaaaaaaaaaaa';
const FIXED = 'a-fixed-token-of-sid-0001';

async function fault(promise: Promise<unknown>): Promise<AssayError> {
  return promise.then(
    (value) => expect.fail(`it was not refused: ${JSON.stringify(value)}`),
    (error: unknown) => AssayError.from(error),
  );
}

describe.skipIf(!canRunKubeServer())('who calls, and what he may, on a real API server', () => {
  let kube: KubeServer;
  let issuer: Issuer;
  let model: ModelServer;
  let stack: Stack;
  let folder: string;
  let at: Addresses;
  const tenants: Tenant[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'assay-identity-'));
    [kube, issuer, model] = await Promise.all([startKubeServer(), startIssuer(), startModelServer()]);
    await installTenants(kube);
    await bindUser(kube, 'team-a', 'oidc:olga');
    await bindUser(kube, 'team-b', 'sid');
    const [tokenFile, fixedFile] = [path.join(folder, 'token'), path.join(folder, 'tokens.yaml')];
    await writeFile(tokenFile, await tokenOf(kube, NAMESPACE, 'assay-scheduler'));
    await writeFile(fixedFile, `tokens: [{ token: ${FIXED}, user: sid, namespace: team-b }]`);
    const settings = async (account: string) => ({
      ASSAY_IDENTITY: 'kubernetes',
      ASSAY_KUBECONFIG: await kube.kubeconfigFor(await tokenOf(kube, NAMESPACE, account, '--duration=1h')),
      ASSAY_OIDC_ISSUER: issuer.url,
      ASSAY_OIDC_AUDIENCE: 'assay',
      ASSAY_STATIC_TOKENS_FILE: fixedFile,
    });
    const scheduler = { ...(await settings('assay-scheduler')), ASSAY_REPORTER_TOKEN_FILE: tokenFile };
    const reporter = { ...(await settings('assay-reporter')), ASSAY_SCHEDULER_USER: SCHEDULER };
    stack = await startStack({ extra: { scheduler, reporter } });
    at = JSON.parse(await readFile(stack.layout.clientFile, 'utf8')) as Addresses;
  }, 180_000);
  afterAll(async () => {
    for (const tenant of tenants) tenant.close();
    await stack?.stop();
    await Promise.all([model?.stop(), issuer?.stop(), kube?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const as = (token: string | undefined): Tenant => {
    const tenant = tenantOf(at, token);
    tenants.push(tenant);
    return tenant;
  };
  const account = async (namespace: string, name: string) => as(await tokenOf(kube, namespace, name));
  const request = (bundle: string, requestId = 'r') => ({
    requestId,
    bundle,
    target: { $case: 'endpoint' as const, value: { baseUrl: model.url, model: 'scripted', apiKey: '' } },
    tasks: [{ name: 'T', genKwargsJson: '' }],
  });
  const succeeded = async (tenant: Tenant, id: string) => {
    const over = async () => {
      const job = await tenant.job(id);
      if (job?.state === JobState.FAILED) expect.fail(`${job.reason}: ${job.detail}`);
      return job?.state;
    };
    await expect.poll(over, { timeout: 60_000, interval: 200 }).toBe(JobState.SUCCEEDED);
  };

  it('two tenants try everything of each other’s, and find nothing', { timeout: 180_000 }, async () => {
    const [a, b] = [await account('team-a', 'user'), await account('team-b', 'user')];
    const bundles = [await a.upload(goodTask()), await b.upload(goodTask('# of b\n'))] as const;
    // One request id in two tenants is two jobs; the scheduler finalizes both as its own service account.
    const ids = [await a.submit(request(bundles[0])), await b.submit(request(bundles[1]))] as const;
    const second = [await a.submit(request(bundles[0], 'r2')), await b.submit(request(bundles[1], 'r2'))];
    expect(new Set([...ids, ...second]).size).toBe(4);
    await Promise.all([succeeded(a, ids[0]), succeeded(b, ids[1])]);
    await Promise.all([succeeded(a, second[0] ?? ''), succeeded(b, second[1] ?? '')]);

    const table: string[] = [];
    for (const [thief, id, bundle, own] of [
      [b, ids[0], bundles[0], [ids[1], second[1]]],
      [a, ids[1], bundles[1], [ids[0], second[0]]],
    ] as const) {
      const asks: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
        ['GetJob', (jobId) => thief.job(jobId)],
        ['WatchJob', (jobId) => thief.watch(jobId)],
        ['CancelJob', (jobId) => thief.cancel(jobId)],
        ['GetResult', (jobId) => thief.result(jobId)],
        ['StreamSamples', (jobId) => thief.samples(jobId)],
      ];
      for (const [rpc, ask] of asks) {
        const [stranger, nobody] = [await fault(ask(id)), await fault(ask(NONE))];
        expect(stranger, rpc).toMatchObject({ reason: 'NOT_FOUND' });
        expect(stranger.message.replace(id, NONE), rpc).toBe(nobody.message);
        table.push(`${rpc}: ${stranger.reason}`);
      }
      const takes: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['SubmitJob with a bundle', () => thief.submit(request(bundle, 'stolen'))],
        ['SubmitJob, dry run', () => thief.submit({ ...request(bundle, 'stolen'), validateOnly: true })],
        ['ListTasks', () => thief.tasks(bundle)],
      ];
      for (const [rpc, take] of takes) {
        const refused = await fault(take());
        expect(refused, rpc).toMatchObject({ reason: 'BUNDLE_INVALID' });
        table.push(`${rpc}: ${refused.reason}`);
      }
      const forged = await fault(thief.finalize(id));
      expect(forged).toMatchObject({ reason: 'PERMISSION_DENIED' });
      table.push(`Finalize: ${forged.reason}`);
      const victim = thief === a ? b : a;
      for (const list of ['jobs', 'results'] as const) {
        expect((await thief[list]()).ids.toSorted(), list).toEqual(own.toSorted());
        const { next } = await victim[list]('', 1);
        expect(next).not.toBe('');
        for (const seen of (await thief[list](next)).ids) expect(own).toContain(seen);
        table.push(`${list} with a page token of the other: own only`);
      }
    }
    console.log(['what a tenant gets of another’s', ...new Set(table)].join('\n  '));
    expect(await a.samples(ids[0])).toHaveLength(3);
    expect(await a.job(ids[0])).toMatchObject({ state: JobState.SUCCEEDED });
  });

  it('a right that is missing is named, and the named command shows it', { timeout: 60_000 }, async () => {
    const [user, viewer, stranger] = await Promise.all(
      ['user', 'viewer', 'stranger'].map((name) => account('team-b', name)),
    );
    if (user === undefined || viewer === undefined || stranger === undefined) return;
    const bundle = await user.upload(goodTask());
    const [id = ''] = (await viewer.jobs()).ids;
    expect(await viewer.job(id)).toMatchObject({ id });
    await viewer.results();
    await viewer.models();
    for (const [verb, act] of [
      ['create', () => viewer.submit(request(bundle, 'v'))],
      ['create', () => viewer.upload(goodTask())],
      ['delete', () => viewer.cancel(id)],
      ['get', () => stranger.job(id)],
      ['get', () => stranger.watch(id)],
      ['get', () => stranger.samples(id)],
      ['list', () => stranger.jobs()],
      ['list', () => stranger.models()],
      ['list', () => stranger.tasks('')],
      ['list', () => stranger.results()],
    ] as const) {
      const denied = await fault(act());
      expect(denied).toMatchObject({ reason: 'PERMISSION_DENIED', permanent: true });
      expect(denied.message).toContain(`may not ${verb} jobs.assay in namespace "team-b"`);
      const command = /`kubectl ([^`]+)`/.exec(denied.message)?.[1] ?? '';
      const shown = await kubectl(kube, command.split(' '));
      expect(shown).toContain('selfsubjectreviews');
      expect(/^jobs\.assay .*\[(.*)\]$/m.exec(shown)?.[1] ?? '').not.toContain(verb);
    }
    const own = 'auth can-i --list --namespace team-b --as system:serviceaccount:team-b:user';
    expect(await kubectl(kube, own.split(' '))).toMatch(/^jobs\.assay .*\[create get list delete\]$/m);
  });

  it('a right that is given is there half a minute later', { timeout: 90_000 }, async () => {
    const olga = as(await issuer.token({ sub: 'new', tenant: 'team-a' }));
    expect(await fault(olga.jobs())).toMatchObject({ reason: 'PERMISSION_DENIED' });
    await bindUser(kube, 'team-a', 'oidc:new');
    await sleep(1_000);
    expect(await fault(olga.jobs())).toMatchObject({ reason: 'PERMISSION_DENIED' });
    await expect
      .poll(async () => (await olga.jobs()).ids.length, { timeout: 40_000, interval: 1_000 })
      .toBe(2);
  });

  it('OIDC and fixed tokens are of their tenants', async () => {
    const olga = as(await issuer.token({ sub: 'olga', tenant: 'team-a' }));
    const [user, sid] = [await account('team-a', 'user'), as(FIXED)];
    expect((await olga.jobs()).ids).toEqual((await user.jobs()).ids);
    expect((await sid.results()).ids).toEqual((await (await account('team-b', 'user')).results()).ids);
    const elsewhere = as(await issuer.token({ sub: 'olga', tenant: 'team-b' }));
    expect(await fault(elsewhere.jobs())).toMatchObject({ reason: 'PERMISSION_DENIED' });
  });

  it('a token that is nobody’s is refused with what to do', async () => {
    const other = await tokenOf(kube, 'team-a', 'user', '--audience=https://other.example');
    const plain = await tokenOf(kube, 'team-a', 'user', '--duration=1h');
    const [head = '', body = '', signature = ''] = (await tokenOf(kube, 'team-a', 'user')).split('.');
    const forged = [head, body, signature.split('').toReversed().join('')].join('.');
    for (const [token, why] of [
      [undefined, 'no token was sent; `kubectl create token NAME'],
      ['nonsense', 'of no kind that is known'],
      [other, 'is for the audience https://other.example, and "assay" is needed'],
      [plain, 'is for the audience https://kubernetes.default.svc'],
      [forged, 'the API server does not accept the token'],
      [await issuer.token({ aud: 'another' }), 'is for another audience than "assay"'],
    ] as const) {
      for (const ask of [() => as(token).jobs(), () => as(token).results()]) {
        const refused = await fault(ask());
        expect(refused, why).toMatchObject({ reason: 'UNAUTHENTICATED', permanent: true });
        expect(refused.message).toContain(why);
      }
    }
  });

  it('a deleted service account is nobody after at most a minute', { timeout: 90_000 }, async () => {
    const user = await account('team-a', 'stranger');
    expect(await fault(user.jobs())).toMatchObject({ reason: 'PERMISSION_DENIED' });
    await kubectl(kube, ['delete', 'serviceaccount', 'stranger', '--namespace=team-a']);
    const why = async () => (await fault(user.jobs())).reason;
    await expect.poll(why, { timeout: 75_000, interval: 2_000 }).toBe('UNAUTHENTICATED');
  });

  it('only the scheduler finalizes, not even the reporter', async () => {
    for (const [namespace, name] of [
      [NAMESPACE, 'assay-reporter'],
      ['team-a', 'user'],
    ] as const)
      expect(await fault((await account(namespace, name)).finalize(NONE))).toMatchObject({
        reason: 'PERMISSION_DENIED',
      });
    // Let in, and refused for what it asks.
    const own = await account(NAMESPACE, 'assay-scheduler');
    const { reason } = await fault(own.finalize(NONE));
    expect(reason).not.toBe('PERMISSION_DENIED');
    expect(await fault(own.jobs())).toMatchObject({ reason: 'PERMISSION_DENIED' });
  });

  it('the CLI gets a token for a service account, as the person of the kubeconfig', async () => {
    const where = ['--scheduler', at.scheduler, '--reporter', at.reporter];
    const assay = (name: string) =>
      assayProcess(['jobs', '--json', ...where, '--kube-service-account', name], {
        KUBECONFIG: kube.kubeconfig,
      }).ended;
    const listed = await assay('team-a/user');
    expect(listed, listed.err).toMatchObject({ code: 0 });
    expect(JSON.parse(listed.out)).toHaveLength(2);
    const none = await assay('team-a/nobody');
    expect(none.out).toContain('`kubectl create serviceaccount nobody --namespace team-a` makes it');
    const denied = await assay('team-b/stranger');
    expect(denied).toMatchObject({ code: 3, out: expect.stringContaining('PERMISSION_DENIED') });
  });

  // The last: nothing comes back after it.
  it('nobody is called a stranger while the API server is away', { timeout: 60_000 }, async () => {
    const [known, fresh] = [await account('team-a', 'user'), await account('team-a', 'viewer')];
    await known.jobs();
    const unknown = await tokenOf(kube, 'team-b', 'viewer');
    await kube.stop();
    expect(await fault(fresh.jobs())).toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    expect(await fault(as(unknown).results())).toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    expect((await known.jobs()).ids).toHaveLength(2);
  });
});
