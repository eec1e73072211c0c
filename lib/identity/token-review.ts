import type { AssayError } from '../errors.ts';
import { TOKEN_REVIEWS, type KubeClient, type KubeObject } from '../kube/index.ts';
import type { Identity } from '../rpc/index.ts';
import { namespaceOf } from './names.ts';
import { REVIEW_MS, unauthenticated, undecided } from './refusal.ts';

interface Reviewed extends KubeObject {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string; readonly groups?: readonly string[] };
    readonly audiences?: readonly string[];
    readonly error?: string;
  };
}

/**
 * Whose service account's token it is, as the API server knows: the tenant is the account's namespace. Gives the
 * refusal when it is nobody's; throws UNAVAILABLE (passing) when the API server does not say.
 */
export async function reviewToken(
  client: Pick<KubeClient, 'create'>,
  audience: string,
  token: string,
): Promise<Identity | AssayError> {
  const spec = { token, audiences: [audience] };
  let review: Reviewed;
  try {
    const body = { metadata: {}, spec };
    review = await client.create(TOKEN_REVIEWS, undefined, body, { deadlineMs: REVIEW_MS });
  } catch (error) {
    throw undecided('the token', error);
  }
  const { authenticated, user, audiences, error } = review.status ?? {};
  if (authenticated !== true)
    return unauthenticated(`the API server does not accept the token: ${error ?? 'it is nobody’s'}`);
  // One that knows nothing of audiences accepts every token of its own, whoever it was made for.
  if (audiences?.includes(audience) !== true)
    return unauthenticated(`the API server does not say that the token is for the audience "${audience}"`);
  const name = user?.username ?? '';
  const tenant = namespaceOf(name);
  if (tenant === null)
    return unauthenticated(`the token is of "${name}", which is no service account, so it has no tenant`);
  return { tenant, user: name, groups: user?.groups ?? [] };
}
