import type { Kv } from '@assay/lib/bus';
import type { BlobRef } from '@assay/lib/domain';
import type { Bundles } from '../ports.ts';

/** Bundles over the KV `assay_bundles`. */
export function kvBundles(kv: Pick<Kv<{ readonly v: 1 }>, 'get' | 'put'>): Bundles {
  const keyOf = (tenant: string, bundle: BlobRef) => `${tenant}.${bundle.slice('sha256:'.length)}`;
  return {
    add: async (tenant, bundle) => void (await kv.put(keyOf(tenant, bundle), { v: 1 })),
    has: async (tenant, bundle) => (await kv.get(keyOf(tenant, bundle))) !== null,
  };
}
