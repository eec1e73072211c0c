import { bothOrNone, PREFIX, settings, type Given } from '../config/index.ts';
import type { Violation } from '../domain/index.ts';
import { kubeShape } from '../kube/index.ts';

const kubernetesShape = {
  /** An OIDC issuer whose tokens are taken beside those of service accounts. NODE_EXTRA_CA_CERTS names its authority. */
  OIDC_ISSUER: settings.trustedUrl.optional(),
  OIDC_AUDIENCE: settings.text.optional(),
  /** Claims with the tenant, which is a namespace, the user, and perhaps the groups. */
  OIDC_TENANT_CLAIM: settings.text.default('tenant'),
  OIDC_USER_CLAIM: settings.text.default('sub'),
  OIDC_GROUPS_CLAIM: settings.text.optional(),
  /** Stands before user and groups where roles speak of them; equal to the API server's where that knows the issuer. */
  OIDC_PREFIX: settings.text.default('oidc:'),
  /** A mounted file of fixed tokens, read again when it changes. */
  STATIC_TOKENS_FILE: settings.text.optional(),
} as const;

/** Settings of a service that is called by users. */
export const identityShape = {
  /** `token`: one for all, who are one tenant. `kubernetes`: callers are who the cluster says, and may what its roles say. */
  IDENTITY: settings.identity.default('token'),
  ...kubernetesShape,
  ...kubeShape,
} as const;

/** What is wrong with these settings together. `needed` belongs to `kubernetes` too, and must be given there. */
export function identityTogether(given: Given, needed: string): readonly Violation[] {
  const kubernetes = given.get('IDENTITY') === 'kubernetes';
  if (!kubernetes)
    return idle([...Object.keys(kubernetesShape), needed], 'without', 'IDENTITY=kubernetes', given);
  const oidc = Object.keys(kubernetesShape).filter((name) => /^OIDC_(?!ISSUER|AUDIENCE)/.test(name));
  return [
    ...idle(['TOKEN'], 'under', 'IDENTITY=kubernetes', given),
    ...bothOrNone('OIDC_ISSUER', 'OIDC_AUDIENCE', given),
    ...(given.has('OIDC_ISSUER') ? [] : idle(oidc, 'without', 'OIDC_ISSUER', given)),
    ...(given.has(needed)
      ? []
      : [{ field: PREFIX + needed, message: `is missing: ${PREFIX}IDENTITY=kubernetes needs it` }]),
  ];
}

function idle(
  names: readonly string[],
  how: 'without' | 'under',
  setting: string,
  given: Given,
): readonly Violation[] {
  return names
    .filter((name) => given.has(name))
    .map((name) => ({ field: PREFIX + name, message: `means nothing ${how} ${PREFIX}${setting}` }));
}
