import type { KubeObject } from '@assay/lib/kube';
import { versionOf, type Trimmed } from './trimmed.ts';

/** Of a job that fetches weights. */
export interface BatchJob extends Trimmed {
  readonly createdAt: string;
  readonly deleting: boolean;
  readonly state: 'running' | 'complete' | 'failed';
  /** ISO 8601; null while it runs. */
  readonly endedAt: string | null;
  /** Why it failed, in the words of Kubernetes. */
  readonly message: string;
}

export function trimJob(object: KubeObject): BatchJob {
  const { metadata, status } = object as RawJob;
  const end = status?.conditions?.find(
    ({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True',
  );
  return {
    ...versionOf(metadata),
    createdAt: metadata.creationTimestamp ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    state: end === undefined ? 'running' : end.type === 'Complete' ? 'complete' : 'failed',
    endedAt: end === undefined ? null : (status?.completionTime ?? end.lastTransitionTime ?? null),
    message: end?.message ?? '',
  };
}

interface RawJob extends KubeObject {
  readonly status?: {
    readonly completionTime?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}
