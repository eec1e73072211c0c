import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

/** A small OIDC issuer on loopback: metadata, keys and tokens with real signatures. */
export interface Issuer {
  readonly url: string;
  /** How often its keys were fetched. */
  readonly fetched: { keys: number };
  /** What it answers instead, when it is set. */
  failing: number | 'silent' | null;
  /** A token with these claims beside `iss`, `aud` "assay", `exp` in an hour, `tenant` "team-a" and `sub` "ann". */
  token(claims?: Readonly<Record<string, unknown>>, how?: Signing): Promise<string>;
  /** From now on it signs with a new key, and publishes that one alone. */
  rotate(): Promise<void>;
  stop(): Promise<void>;
}

export interface Signing {
  readonly alg?: string;
  /** Another key than the issuer's, under the id of the issuer's. */
  readonly key?: CryptoKey | Uint8Array;
}

export async function startIssuer(): Promise<Issuer> {
  let generation = 0;
  let keys = await generateKeyPair('ES256');
  const server = createServer((request, response) => {
    const { failing } = issuer;
    if (failing === 'silent') return;
    if (failing !== null) return void response.writeHead(failing).end();
    void answer(request.url ?? '').then((body) => {
      response.writeHead(body === null ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  const answer = async (path: string): Promise<object | null> => {
    if (path === '/.well-known/openid-configuration')
      return { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
    if (path !== '/keys') return null;
    issuer.fetched.keys += 1;
    return { keys: [{ ...(await exportJWK(keys.publicKey)), kid: `k${generation}`, alg: 'ES256' }] };
  };
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const issuer: Issuer = {
    url: `http://127.0.0.1:${port}`,
    fetched: { keys: 0 },
    failing: null,
    token(claims = {}, { alg = 'ES256', key = keys.privateKey } = {}) {
      const now = Math.floor(Date.now() / 1_000);
      const standard = { iss: issuer.url, aud: 'assay', exp: now + 3_600, tenant: 'team-a', sub: 'ann' };
      const payload: JWTPayload = { ...standard, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg, kid: `k${generation}` }).sign(key);
    },
    async rotate() {
      keys = await generateKeyPair('ES256');
      generation += 1;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return issuer;
}
