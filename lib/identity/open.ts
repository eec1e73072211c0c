import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { callerMetrics, openAccess, openKubeClient } from '../kube/index.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/index.ts';
import { sharedToken, type Admission } from '../rpc/index.ts';
import { kubernetesAdmission } from './kubernetes.ts';
import type { Oidc } from './oidc.ts';
import type { identityShape } from './settings.ts';
import { staticTokens } from './static-tokens.ts';

export type IdentitySettings = z.infer<z.ZodObject<typeof identityShape>> & {
  readonly TOKEN?: string | undefined;
  /** The scheduler's user name, where it calls. */
  readonly SCHEDULER_USER?: string | undefined;
};

export interface Opened extends Admission {
  close(): void;
}

/** Who may call, as the settings say. Throws INVALID_REQUEST when a file that they name cannot be used. */
export async function openAdmission(
  settings: IdentitySettings,
  world: { readonly metrics: Metrics; readonly clock: Clock; readonly log: Log },
): Promise<Opened> {
  if (settings.IDENTITY === 'token') return { ...sharedToken(settings.TOKEN), close: () => undefined };
  const { KUBECONFIG, KUBE_QPS, KUBE_BURST, STATIC_TOKENS_FILE, SCHEDULER_USER } = settings;
  const { metrics, clock, log } = world;
  const file = STATIC_TOKENS_FILE;
  const fixed = file === undefined ? undefined : await staticTokens(file, clock, log);
  const access = await openAccess({ clock, ...(KUBECONFIG !== undefined && { kubeconfig: KUBECONFIG }) });
  // A client of its own: callers do not wait behind what a scheduler does.
  const rate = { qps: KUBE_QPS, burst: KUBE_BURST };
  const client = openKubeClient({ access, rate, metrics: callerMetrics(metrics, 'identity'), clock });
  const oidc = oidcOf(settings);
  const admission = kubernetesAdmission({
    client,
    clock,
    ...(oidc !== undefined && { oidc }),
    ...(fixed !== undefined && { staticTokens: fixed }),
    ...(SCHEDULER_USER !== undefined && { scheduler: SCHEDULER_USER }),
  });
  return { ...admission, close: () => client.close() };
}

function oidcOf(settings: IdentitySettings): Oidc | undefined {
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, OIDC_GROUPS_CLAIM: groupsClaim } = settings;
  if (issuer === undefined || audience === undefined) return undefined;
  return {
    issuer,
    audience,
    tenantClaim: settings.OIDC_TENANT_CLAIM,
    userClaim: settings.OIDC_USER_CLAIM,
    prefix: settings.OIDC_PREFIX,
    ...(groupsClaim !== undefined && { groupsClaim }),
  };
}
