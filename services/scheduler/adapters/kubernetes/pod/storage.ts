import type { Operator } from '../servers-file.ts';
import { WEIGHTS_FOLDER, type PodPlan } from './plan.ts';

/** Model servers and the jobs that fetch weights run as this user. */
export const SERVER_UID = 1_000;

export interface Volume {
  readonly name: string;
  readonly [source: string]: unknown;
}

/** Where the plan's weights are: in what volume, and in which folder of it as a container sees it. */
export function weightsVolume(
  plan: PodPlan,
  operator: Operator,
  readOnly: boolean,
): { readonly volume: Volume; readonly folder: string } | null {
  const { weights } = plan;
  if (weights === null) return null;
  const name = 'weights';
  if (weights.type === 'image') {
    const image = { reference: weights.image, pullPolicy: operator.pullPolicy };
    return { volume: { name, image }, folder: WEIGHTS_FOLDER };
  }
  const { storage } = operator;
  if (storage === undefined) return null;
  const folder = `${WEIGHTS_FOLDER}/${weights.id}`;
  if (storage.type === 'claim') {
    const persistentVolumeClaim = { claimName: storage.claim, ...(readOnly ? { readOnly } : {}) };
    return { volume: { name, persistentVolumeClaim }, folder };
  }
  return { volume: { name, hostPath: { path: storage.path, type: 'DirectoryOrCreate' } }, folder };
}

/** Where compiled models are kept, in a folder of the server's own. */
export function cacheVolume(
  key: string,
  operator: Operator,
): { readonly volume: Volume; readonly subPath?: string } {
  const { cache } = operator;
  const name = 'cache';
  switch (cache.type) {
    case 'empty':
      return { volume: { name, emptyDir: { sizeLimit: cache.size } } };
    case 'claim':
      return { volume: { name, persistentVolumeClaim: { claimName: cache.claim } }, subPath: key };
    case 'node':
      return { volume: { name, hostPath: { path: `${cache.path}/${key}`, type: 'DirectoryOrCreate' } } };
  }
}

/** A folder that the kubelet makes on a node is root's: this hands it over before anything else starts. */
export function ownership(operator: Operator, name: string, mounts: readonly object[]): object {
  return {
    name,
    image: operator.serviceImage,
    imagePullPolicy: operator.pullPolicy,
    args: [
      'services/scheduler/inside/own.ts',
      ...mounts.map((mount) => (mount as { mountPath: string }).mountPath),
    ],
    securityContext: {
      runAsUser: 0,
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['CHOWN'] },
    },
    env: [{ name: 'ASSAY_OWNER', value: String(SERVER_UID) }],
    volumeMounts: mounts,
  };
}
