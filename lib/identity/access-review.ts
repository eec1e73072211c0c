import { AssayError } from '../errors.ts';
import { ACCESS_REVIEWS, type KubeClient, type KubeObject } from '../kube/index.ts';
import type { Identity, Right } from '../rpc/index.ts';
import { AUTHENTICATED, namespaceOf } from './names.ts';
import { REVIEW_MS, undecided } from './refusal.ts';

interface Reviewed extends KubeObject {
  readonly status?: { readonly allowed?: boolean; readonly reason?: string };
}

/** What rights are asked over: no kind of the API, a name for Roles to speak of. */
const GROUP = 'assay';
const RESOURCE = 'jobs';

/**
 * Whether the caller may do this with the jobs of its tenant's namespace, by the cluster's own roles. Throws UNAVAILABLE
 * (passing) when the API server does not say.
 */
export async function reviewAccess(
  client: Pick<KubeClient, 'create'>,
  { tenant, user, groups }: Identity,
  verb: Right,
): Promise<boolean> {
  const resourceAttributes = { namespace: tenant, verb, group: GROUP, resource: RESOURCE };
  const body = { metadata: {}, spec: { user, groups, resourceAttributes } };
  try {
    const review: Reviewed = await client.create(ACCESS_REVIEWS, undefined, body, { deadlineMs: REVIEW_MS });
    return review.status?.allowed === true;
  } catch (error) {
    throw undecided('the right', error);
  }
}

export function permissionDenied(identity: Identity, verb: Right): AssayError {
  const { tenant, user } = identity;
  return new AssayError(
    'PERMISSION_DENIED',
    `"${user}" may not ${verb} ${RESOURCE}.${GROUP} in namespace "${tenant}": ` +
      `\`${canI(identity, verb)}\` shows it, a Role with that verb and a RoleBinding grant it`,
  );
}

/** The command with which an administrator sees the same answer. */
function canI({ tenant, user, groups }: Identity, verb: Right): string {
  // What a service account belongs to follows from its name.
  const others = namespaceOf(user) === null ? groups.filter((group) => group !== AUTHENTICATED) : [];
  const as = [`--as ${quoted(user)}`, ...others.map((group) => `--as-group ${quoted(group)}`)];
  return `kubectl auth can-i ${verb} ${RESOURCE}.${GROUP} --namespace ${tenant} ${as.join(' ')}`;
}

function quoted(text: string): string {
  return /^[\w:@./+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
