import { randomBytes } from 'node:crypto';
import { SECRETS, type KubeClient, type KubeObject } from '@assay/lib/kube';
import { AssayError } from '@assay/lib/errors';

/** The text of the secrets that requests to model servers bear. */
export interface KeyReader {
  /** Null when there is none of that name. */
  read(name: string, signal?: AbortSignal): Promise<string | null>;
}

export function secretKeys(client: Pick<KubeClient, 'get'>, namespace: string): KeyReader {
  return {
    async read(name, signal) {
      const found = await client.get(SECRETS, { namespace, name }, signal === undefined ? {} : { signal });
      return found === null ? null : textOf(found);
    },
  };
}

/** 256 bits, in letters that a header takes. */
export function newKey(): string {
  return randomBytes(32).toString('base64url');
}

function textOf(secret: KubeObject): string {
  const { data } = secret as KubeObject & { readonly data?: { readonly key?: string } };
  if (data?.key === undefined)
    throw new AssayError('CLUSTER_REFUSED', `the secret ${secret.metadata.name} has no entry key`);
  return Buffer.from(data.key, 'base64').toString('utf8');
}
