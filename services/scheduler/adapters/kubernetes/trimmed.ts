import type { Metadata } from '@assay/lib/kube';

/** What every object that is held in memory has. */
export interface Trimmed {
  readonly name: string;
  /** Empty for what the whole cluster shares. */
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export function versionOf({ name, namespace = '', uid = '', resourceVersion = '' }: Metadata): Trimmed {
  return { name, namespace, uid, resourceVersion };
}
