import { createHash, timingSafeEqual } from 'node:crypto';
import { AssayError } from '../errors.ts';

/** Who calls, as its token says: nothing of it comes from a request. */
export interface Identity {
  readonly tenant: string;
  readonly user: string;
  readonly groups: readonly string[];
}

/** Whose a bearer token is. Throws UNAUTHENTICATED, or UNAVAILABLE (passing) while that cannot be known. */
export type Authenticator = (token: string | undefined) => Promise<Identity>;

/** What a method asks of its caller, over the jobs of the caller's tenant. `finalize` is the scheduler's alone. */
export type Right = 'create' | 'get' | 'list' | 'delete' | 'finalize';

/** Throws PERMISSION_DENIED, or UNAVAILABLE (passing) while that cannot be known. */
export type Authorizer = (identity: Identity, right: Right) => Promise<void>;

/** Who may call what. */
export interface Admission {
  readonly authenticate: Authenticator;
  readonly authorize: Authorizer;
}

const EVERYONE: Identity = { tenant: 'default', user: 'default', groups: [] };

/** One token, for one tenant that may do everything; without a token every caller is trusted. */
export function sharedToken(token: string | undefined): Admission {
  const expected = token === undefined ? null : digestOf(token);
  return {
    authorize: async () => undefined,
    async authenticate(given) {
      if (expected === null) return EVERYONE;
      if (given !== undefined && timingSafeEqual(digestOf(given), expected)) return EVERYONE;
      const what = given === undefined ? 'no token was sent' : 'the token is wrong';
      throw new AssayError(
        'UNAUTHENTICATED',
        `${what}; send the one in the client file, by --token-file or ASSAY_TOKEN`,
      );
    },
  };
}

/** Equal in length for all texts, so that two can be compared in constant time. */
export function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
