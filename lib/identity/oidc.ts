import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.ts';
import { AssayError } from '../errors.ts';
import type { Identity } from '../rpc/index.ts';
import { AUTHENTICATED, isNamespace, isReserved } from './names.ts';
import { REVIEW_MS, unauthenticated, undecided } from './refusal.ts';

export interface Oidc {
  /** Equal to the tokens' `iss`; its metadata lies below it. */
  readonly issuer: string;
  readonly audience: string;
  /** Claims that hold the tenant and the user, by their whole names. */
  readonly tenantClaim: string;
  readonly userClaim: string;
  readonly groupsClaim?: string;
  /** Before user and groups, so that no issuer can name somebody of the cluster. */
  readonly prefix: string;
}

/** Signatures that only who holds a private key can make. */
const ALGORITHMS = ['RS', 'PS', 'ES'].flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`));
const TOLERANCE_S = 30;
/** How soon keys are fetched again for a token of an unknown one, and how long they are taken for current. */
const COOLDOWN_MS = 10_000;
const KEYS_MS = 10 * 60_000;

/**
 * Whose token of the issuer it is. Throws UNAUTHENTICATED, or UNAVAILABLE (passing) while the issuer's keys cannot be had.
 */
export function oidcVerifier(oidc: Oidc, clock: Clock): (token: string) => Promise<Identity> {
  const keys = issuerKeys(oidc.issuer, clock);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [...ALGORITHMS, 'EdDSA', 'Ed25519'],
        issuer: oidc.issuer,
        audience: oidc.audience,
        requiredClaims: ['exp'],
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(clock.now()),
      });
      return identityOf(oidc, payload);
    } catch (error) {
      if (error instanceof AssayError) throw error;
      throw unauthenticated(`the token of ${oidc.issuer} ${problemOf(error, oidc)}`);
    }
  };
}

/** The issuer's keys, found by its metadata. What goes wrong on the way to them is not the token's fault. */
function issuerKeys(issuer: string, clock: Clock): JWTVerifyGetKey {
  let found: { readonly keys: Promise<JWTVerifyGetKey>; readonly at: number } | null = null;
  return async (header, token) => {
    found ??= { keys: discover(issuer), at: clock.monotonic() };
    const { keys, at } = found;
    let known = false;
    try {
      const keyOf = await keys;
      known = true;
      return await keyOf(header, token);
    } catch (error) {
      if (KEY_PROBLEMS.some((problem) => error instanceof problem)) throw error;
      // Keys that are current serve others while the issuer is away; later it may have moved them.
      if (!known || clock.monotonic() - at > KEYS_MS) found = null;
      throw undecided(`the token of ${issuer}`, error);
    }
  };
}

const KEY_PROBLEMS = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(REVIEW_MS), redirect: 'error' });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const metadata = (await response.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
  if (metadata.issuer !== issuer) throw new Error(`${url} is of another issuer: ${String(metadata.issuer)}`);
  const keys = URL.parse(String(metadata.jwks_uri));
  if (keys === null || keys.protocol !== new URL(issuer).protocol)
    throw new Error(`${url} names no URL of keys that can be trusted`);
  const options = { timeoutDuration: REVIEW_MS, cooldownDuration: COOLDOWN_MS, cacheMaxAge: KEYS_MS };
  return createRemoteJWKSet(keys, options);
}

function identityOf(oidc: Oidc, payload: JWTPayload): Identity {
  const tenant = textOf(payload, oidc.tenantClaim);
  if (!isNamespace(tenant))
    throw unauthenticated(`the token's claim "${oidc.tenantClaim}" is not the name of a namespace`);
  if (oidc.userClaim === 'email' && (payload['email_verified'] ?? true) !== true)
    throw unauthenticated('the token says that its e-mail address is not verified');
  const user = oidc.prefix + textOf(payload, oidc.userClaim);
  const given = oidc.groupsClaim === undefined ? [] : [payload[oidc.groupsClaim] ?? []].flat();
  const groups = given.filter((group) => typeof group === 'string').map((group) => oidc.prefix + group);
  if ([user, ...groups].some(isReserved))
    throw unauthenticated('the token names a user or a group that begins with "system:"');
  return { tenant, user, groups: [...groups, AUTHENTICATED] };
}

function textOf(payload: JWTPayload, claim: string): string {
  const value = payload[claim];
  if (typeof value === 'string' && value !== '') return value;
  throw unauthenticated(`the token has no text in its claim "${claim}"`);
}

function problemOf(error: unknown, { audience }: Oidc): string {
  if (error instanceof errors.JWTExpired) return 'has expired; ask for a new one';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return `is for another audience than "${audience}"`;
    if (error.claim === 'nbf') return 'is not valid yet';
    return `has no "${error.claim}" that is right`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is signed with an algorithm that is not allowed';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'has a wrong signature';
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'is signed with a key that the issuer does not publish';
  return 'is not valid';
}
