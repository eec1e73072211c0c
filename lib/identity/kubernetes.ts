import type { Clock } from '../clock.ts';
import { AssayError } from '../errors.ts';
import type { KubeClient } from '../kube/index.ts';
import { digestOf, type Admission, type Identity } from '../rpc/index.ts';
import { permissionDenied, reviewAccess } from './access-review.ts';
import { claimsOf, type Claims } from './claims.ts';
import { oidcVerifier, type Oidc } from './oidc.ts';
import { unauthenticated } from './refusal.ts';
import { remembered } from './remembered.ts';
import type { StaticTokens } from './static-tokens.ts';
import { reviewToken } from './token-review.ts';

export interface KubernetesAdmission {
  readonly client: Pick<KubeClient, 'create'>;
  readonly oidc?: Oidc;
  readonly staticTokens?: StaticTokens;
  /** The user name of the scheduler, who alone may finalize; nobody may without one. */
  readonly scheduler?: string;
  readonly clock: Clock;
}

/** What tokens of service accounts must be made for. */
export const AUDIENCE = 'assay';
const LONGEST_TOKEN = 16_384;
/** How long an answer of the API server holds: who somebody is, that nobody is, that a right is there, that it is not. */
const KEEP_MS = { known: 60_000, unknown: 10_000, allowed: 5 * 60_000, denied: 30_000 };
const BOUNDS = { most: 10_000, mostAsked: 64 };

/** Callers are who the cluster says they are, and may do what its roles say. */
export function kubernetesAdmission(options: KubernetesAdmission): Admission {
  const { client, oidc, staticTokens, scheduler, clock } = options;
  const verify = oidc === undefined ? null : oidcVerifier(oidc, clock);
  const known = remembered<Identity | AssayError>({ ...BOUNDS, clock });
  const rights = remembered<boolean>({ ...BOUNDS, clock });

  async function ask(token: string, claims: Claims) {
    const identity =
      verify !== null && claims.issuer === oidc?.issuer
        ? await verify(token)
        : await reviewToken(client, AUDIENCE, token);
    const keepMs = identity instanceof AssayError ? KEEP_MS.unknown : KEEP_MS.known;
    return { value: identity, keepMs: Math.min(keepMs, claims.endsMs - clock.now()) };
  }

  return {
    async authenticate(token) {
      if (token === undefined || token === '') throw unauthenticated(`no token was sent; ${HOW}`);
      const fixed = await staticTokens?.(token);
      if (fixed) return fixed;
      const claims = token.length > LONGEST_TOKEN ? null : claimsOf(token);
      if (claims === null) throw unauthenticated(`the token is of no kind that is known here; ${HOW}`);
      if (claims.issuer !== oidc?.issuer) refuseOtherAudience(claims);
      const answer = await known(digestOf(token).toString('base64'), () => ask(token, claims));
      if (answer instanceof AssayError) throw answer;
      return answer;
    },
    async authorize(identity, right) {
      if (right === 'finalize') {
        if (scheduler !== undefined && identity.user === scheduler) return;
        throw new AssayError(
          'PERMISSION_DENIED',
          `"${identity.user}" is not the scheduler, who alone may finalize`,
        );
      }
      const { tenant, user, groups } = identity;
      const allowed = await rights(JSON.stringify([tenant, right, user, groups]), async () => {
        const value = await reviewAccess(client, identity, right);
        return { value, keepMs: value ? KEEP_MS.allowed : KEEP_MS.denied };
      });
      if (!allowed) throw permissionDenied(identity, right);
    },
  };
}

const HOW = `\`kubectl create token NAME --namespace NAMESPACE --audience ${AUDIENCE}\` makes one for a service account`;

// Said here, because the API server does not say which audience it was, and need not be asked.
function refuseOtherAudience({ audiences }: Claims): void {
  if (audiences.includes(AUDIENCE)) return;
  const given = audiences.length === 0 ? 'no audience' : `the audience ${audiences.join(', ')}`;
  throw unauthenticated(`the token is for ${given}, and "${AUDIENCE}" is needed; ${HOW}`);
}
