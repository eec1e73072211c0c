export { openAccess, type Access } from './access.ts';
export type { Call, CallerMetrics } from './caller.ts';
export {
  openKubeClient,
  type KubeClient,
  type Page,
  type Precondition,
  type Select,
  type Write,
} from './client.ts';
export { ClusterFault, faultOf, isStatus } from './fault.ts';
export { callerMetrics } from './metrics.ts';
export {
  ACCESS_REVIEWS,
  BATCH_JOBS,
  CLAIM_TEMPLATES,
  CONFIG_MAPS,
  DEVICE_CLASSES,
  keyOf,
  LEASES,
  NODES,
  PODS,
  RESOURCE_CLAIMS,
  RESOURCE_SLICES,
  SECRETS,
  SERVICE_ACCOUNTS,
  TOKEN_REVIEWS,
  type KubeObject,
  type Metadata,
  type Place,
  type Resource,
} from './resource.ts';
export { kubeShape } from './settings.ts';
export type { Rate } from './token-bucket.ts';
export type { WatchEvent } from './watch.ts';
export { openUserCluster, type Account, type UserCluster } from './user-cluster.ts';
export type { Forward } from './forward.ts';
