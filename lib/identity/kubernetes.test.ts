import { UnsecuredJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { AssayError, passing } from '../errors.ts';
import { ACCESS_REVIEWS, type KubeClient, type KubeObject, type Resource } from '../kube/index.ts';
import type { Identity } from '../rpc/index.ts';
import { kubernetesAdmission, type KubernetesAdmission } from './kubernetes.ts';
import { startIssuer, type Issuer } from './testing/issuer.ts';

const BOB: Identity = {
  tenant: 'team-b',
  user: 'system:serviceaccount:team-b:bob',
  groups: ['system:serviceaccounts'],
};
const issuers: Issuer[] = [];
afterEach(async () => {
  for (const issuer of issuers.splice(0)) await issuer.stop();
});

/** An API server that knows bob, and lets him do what `allowed` says. */
function setting(more: Partial<KubernetesAdmission> = {}) {
  const clock = manualClock(Date.now());
  const asked: { readonly kind: string; readonly body: object }[] = [];
  const world = {
    clock,
    asked,
    allowed: true,
    status: {
      authenticated: true,
      user: { username: BOB.user, groups: BOB.groups },
      audiences: ['assay'],
    } as object,
    fault: null as AssayError | null,
  };
  const create = async (resource: Resource, _: string | undefined, body: object): Promise<KubeObject> => {
    asked.push({ kind: resource.kind, body });
    if (world.fault !== null) throw world.fault;
    const status = resource === ACCESS_REVIEWS ? { allowed: world.allowed } : world.status;
    return { metadata: { name: '' }, status };
  };
  const client: Pick<KubeClient, 'create'> = { create };
  return Object.assign(world, kubernetesAdmission({ client, clock, ...more }));
}

/** The API server is played, so that no signature is looked at. */
function token(claims: Readonly<Record<string, unknown>> = {}): string {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  return new UnsecuredJWT({ iss: 'https://kubernetes', aud: ['assay'], exp, ...claims }).encode();
}

describe('a caller', () => {
  it('with the token of a service account is of its namespace', async () => {
    const { authenticate, asked } = setting();
    const given = token();
    expect(await authenticate(given)).toEqual(BOB);
    expect(asked).toMatchObject([
      { kind: 'TokenReview', body: { spec: { token: given, audiences: ['assay'] } } },
    ]);
  });

  it.each<[string | undefined, string]>([
    [undefined, 'no token was sent; `kubectl create token'],
    ['', 'no token was sent'],
    ['something', 'is of no kind that is known here'],
    ['x'.repeat(20_000), 'is of no kind that is known here'],
    [
      token({ aud: ['https://kubernetes.default.svc'] }),
      'is for the audience https://kubernetes.default.svc, and "assay" is needed; `kubectl create token',
    ],
    [token({ aud: undefined }), 'is for no audience, and "assay" is needed'],
  ])('with %j is refused without a question to the API server', async (given, why) => {
    const { authenticate, asked } = setting();
    const refused = authenticate(given);
    await expect(refused).rejects.toMatchObject({ reason: 'UNAUTHENTICATED', permanent: true });
    await expect(refused).rejects.toThrow(why);
    expect(asked).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['unknown', { error: 'invalid bearer token' }, 'does not accept the token: invalid bearer token'],
    [
      'of no audience',
      { authenticated: true, user: { username: BOB.user } },
      'does not say that the token is for',
    ],
    [
      'of somebody else',
      { authenticated: true, audiences: ['assay'], user: { username: 'system:admin' } },
      'of "system:admin", which is no service account',
    ],
  ])(
    'whom the API server calls %s is refused, for ten seconds without asking again',
    async (_, status, why) => {
      const world = setting();
      world.status = status;
      const given = token();
      for (let second = 0; second < 10; second += 1) {
        await expect(world.authenticate(given)).rejects.toThrow(why);
        await world.clock.advance(1_000);
      }
      expect(world.asked).toHaveLength(1);
      await expect(world.authenticate(given)).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
      expect(world.asked).toHaveLength(2);
    },
  );

  it('is asked about once a minute, never beyond the end of the token', async () => {
    const world = setting();
    const long = token();
    const short = token({ exp: Math.floor(world.clock.now() / 1_000) + 20 });
    await Promise.all([world.authenticate(long), world.authenticate(long), world.authenticate(short)]);
    expect(world.asked).toHaveLength(2);
    await world.clock.advance(21_000);
    await Promise.all([world.authenticate(long), world.authenticate(short)]);
    expect(world.asked).toHaveLength(3);
    await world.clock.advance(39_000);
    await world.authenticate(long);
    expect(world.asked).toHaveLength(4);
  });

  it('is never to blame for the API server', async () => {
    const world = setting();
    world.fault = passing('CLUSTER_UNAVAILABLE', 'HTTP 500');
    const given = token();
    const away = { reason: 'UNAVAILABLE', permanent: false };
    await expect(world.authenticate(given)).rejects.toMatchObject(away);
    await expect(world.authorize(BOB, 'get')).rejects.toMatchObject(away);
    world.fault = new AssayError('CLUSTER_FORBIDDEN', 'our service account may not create tokenreviews');
    await expect(world.authenticate(given)).rejects.toMatchObject(away);
    await expect(world.authorize(BOB, 'get')).rejects.toThrow('our service account may not');
    world.fault = null;
    expect(await world.authenticate(given)).toEqual(BOB);
    await world.authorize(BOB, 'get');
  });

  it('with a token of the OIDC issuer is whom it names, and with a fixed one whom the file names', async () => {
    const issuer = await startIssuer();
    issuers.push(issuer);
    const oidc = {
      issuer: issuer.url,
      audience: 'evaluations',
      tenantClaim: 'tenant',
      userClaim: 'sub',
      prefix: 'oidc:',
    };
    const fixed = { tenant: 'team-c', user: 'cid', groups: [] };
    const { authenticate, asked } = setting({
      oidc,
      staticTokens: async (given) => (given === 'fixed' ? fixed : null),
    });
    const ann = { tenant: 'team-a', user: 'oidc:ann' };
    expect(await authenticate(await issuer.token({ aud: 'evaluations' }))).toMatchObject(ann);
    await expect(authenticate(await issuer.token({ aud: 'assay' }))).rejects.toThrow('another audience');
    expect(await authenticate('fixed')).toEqual(fixed);
    expect(asked).toEqual([]);
    expect(await authenticate(token())).toEqual(BOB);
  });
});

describe('a right', () => {
  it('is asked for as the roles of the namespace know it, and kept five minutes', async () => {
    const world = setting();
    for (let minute = 0; minute < 5; minute += 1) {
      await Promise.all([world.authorize(BOB, 'create'), world.authorize(BOB, 'create')]);
      await world.clock.advance(60_000);
    }
    expect(world.asked).toMatchObject([
      {
        kind: 'SubjectAccessReview',
        body: {
          spec: {
            user: BOB.user,
            groups: BOB.groups,
            resourceAttributes: { namespace: 'team-b', verb: 'create', group: 'assay', resource: 'jobs' },
          },
        },
      },
    ]);
    await world.authorize(BOB, 'create');
    expect(world.asked).toHaveLength(2);
  });

  it('that is not there is denied with the command that shows it, and asked for again after 30 s', async () => {
    const world = setting();
    world.allowed = false;
    const denied = world.authorize(BOB, 'delete');
    await expect(denied).rejects.toMatchObject({ reason: 'PERMISSION_DENIED', permanent: true });
    await expect(denied).rejects.toThrow(
      '"system:serviceaccount:team-b:bob" may not delete jobs.assay in namespace "team-b": ' +
        '`kubectl auth can-i delete jobs.assay --namespace team-b --as system:serviceaccount:team-b:bob` shows it',
    );
    world.allowed = true;
    await world.clock.advance(29_000);
    await expect(world.authorize(BOB, 'delete')).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
    await world.clock.advance(1_000);
    await world.authorize(BOB, 'delete');
  });

  it('is one caller’s, in one tenant, for one verb, by its groups', async () => {
    const world = setting();
    await world.authorize(BOB, 'get');
    world.allowed = false;
    for (const [identity, right] of [
      [BOB, 'list'],
      [{ ...BOB, tenant: 'team-a' }, 'get'],
      [{ ...BOB, user: 'other' }, 'get'],
      [{ ...BOB, groups: [] }, 'get'],
    ] as const)
      await expect(world.authorize(identity, right)).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
    await world.authorize(BOB, 'get');
    const odd = { tenant: 'a', user: "oidc:o'neill $(x)", groups: ['oidc:g', 'system:authenticated'] };
    await expect(world.authorize(odd, 'get')).rejects.toThrow(
      String.raw`--as 'oidc:o'\''neill $(x)' --as-group oidc:g`,
    );
  });

  it('to finalize is the scheduler’s alone, and no role gives it', async () => {
    const scheduler = 'system:serviceaccount:control:assay-scheduler';
    const { authorize, asked } = setting({ scheduler });
    await authorize({ tenant: 'control', user: scheduler, groups: [] }, 'finalize');
    const denied = { reason: 'PERMISSION_DENIED' };
    await expect(authorize(BOB, 'finalize')).rejects.toMatchObject(denied);
    const nobody = { tenant: 'control', user: scheduler, groups: [] };
    await expect(setting().authorize(nobody, 'finalize')).rejects.toMatchObject(denied);
    expect(asked).toEqual([]);
  });
});
