import { generateKeyPair } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { manualClock } from '../clock.ts';
import { oidcVerifier, type Oidc } from './oidc.ts';
import { startIssuer, type Issuer } from './testing/issuer.ts';

let issuer: Issuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.stop());

function verifier(more: Partial<Oidc> = {}, clock = manualClock(Date.now())) {
  const { url } = issuer;
  const claims = { tenantClaim: 'tenant', userClaim: 'sub', groupsClaim: 'groups', prefix: 'oidc:' };
  return oidcVerifier({ issuer: url, audience: 'assay', ...claims, ...more }, clock);
}

const nowS = () => Math.floor(Date.now() / 1_000);

describe('a token of the issuer', () => {
  it('says tenant, user and groups, which cannot be names of the cluster', async () => {
    expect(await verifier()(await issuer.token({ groups: ['evaluators'] }))).toEqual({
      tenant: 'team-a',
      user: 'oidc:ann',
      groups: ['oidc:evaluators', 'system:authenticated'],
    });
    const other = verifier({ tenantClaim: 'https://example.com/team', userClaim: 'email' });
    const claims = { 'https://example.com/team': 'team-b', email: 'a@b.example', email_verified: true };
    expect(await other(await issuer.token(claims))).toMatchObject({
      tenant: 'team-b',
      user: 'oidc:a@b.example',
    });
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['has expired', { exp: nowS() - 60 }, 'has expired'],
    ['never ends', { exp: undefined }, 'has no "exp" that is right'],
    ['is not valid yet', { nbf: nowS() + 600 }, 'is not valid yet'],
    ['is for another audience', { aud: 'https://other' }, 'is for another audience than "assay"'],
    ['is for no audience', { aud: undefined }, 'is for another audience than "assay"'],
    ['is of another issuer', { iss: 'https://other' }, 'has no "iss" that is right'],
    ['has no tenant', { tenant: undefined }, 'has no text in its claim "tenant"'],
    ['has many tenants', { tenant: ['a', 'b'] }, 'has no text in its claim "tenant"'],
    ['has a tenant that is no namespace', { tenant: 'Team A/..' }, 'is not the name of a namespace'],
    ['has no user', { sub: '' }, 'has no text in its claim "sub"'],
  ])('that %s is refused, and why', async (_, claims, why) => {
    const refused = verifier()(await issuer.token(claims));
    await expect(refused).rejects.toMatchObject({ reason: 'UNAUTHENTICATED', permanent: true });
    await expect(refused).rejects.toThrow(why);
  });

  it('may be 30 seconds late or early', async () => {
    const verify = verifier();
    await verify(await issuer.token({ exp: nowS() - 20 }));
    await verify(await issuer.token({ nbf: nowS() + 20 }));
  });

  it('names nobody of the cluster, whatever the prefix', async () => {
    const verify = verifier({ prefix: 'system:' });
    await expect(verify(await issuer.token({ sub: 'admin' }))).rejects.toThrow('begins with "system:"');
    const unverified = verifier({ userClaim: 'email' });
    const token = await issuer.token({ email: 'a@b.example', email_verified: false });
    await expect(unverified(token)).rejects.toThrow('not verified');
  });

  it('is signed by the issuer: not by another key, not with a public one as secret, not with nothing', async () => {
    const verify = verifier();
    const { privateKey } = await generateKeyPair('ES256');
    await expect(verify(await issuer.token({}, { key: privateKey }))).rejects.toThrow(
      'has a wrong signature',
    );
    const secret = await issuer.token({}, { alg: 'HS256', key: new Uint8Array(32) });
    await expect(verify(secret)).rejects.toThrow('with an algorithm that is not allowed');
    const [, payload = ''] = (await issuer.token()).split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    await expect(verify(none)).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });
});

describe('the keys of the issuer', () => {
  it('are fetched once, and again when a token names a new one', async () => {
    const verify = verifier();
    const old = await issuer.token();
    await Promise.all([verify(old), verify(old), verify(await issuer.token({ sub: 'bob' }))]);
    expect(issuer.fetched.keys).toBe(1);
    await issuer.rotate();
    // Not at once: nobody may make us ask for every token.
    await expect(verify(await issuer.token())).rejects.toThrow('key that the issuer does not publish');
    expect(issuer.fetched.keys).toBe(1);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11_000 });
    try {
      expect(await verify(await issuer.token())).toMatchObject({ user: 'oidc:ann' });
      expect(issuer.fetched.keys).toBe(2);
      await expect(verify(old)).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    } finally {
      vi.useRealTimers();
    }
  });

  it.each([500, 404, 'silent'] as const)('that cannot be had (%s) blame no token', async (failing) => {
    issuer.failing = failing;
    const verify = verifier();
    const token = await issuer.token();
    if (failing === 'silent') setTimeout(() => void issuer.stop(), 100);
    const refused = verify(token);
    await expect(refused).rejects.toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    if (failing === 'silent') return;
    issuer.failing = null;
    expect(await verify(token)).toMatchObject({ user: 'oidc:ann' });
  });
});
