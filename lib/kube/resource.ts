/** A kind that the API serves. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

/** Where an object is; no namespace for what the whole cluster shares. */
export interface Place {
  readonly namespace?: string;
  readonly name: string;
}

export const PODS: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod' };
export const NODES: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node' };
export const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
export const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};
/** Created to be answered, and never stored. */
export const TOKEN_REVIEWS: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
};
export const ACCESS_REVIEWS: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
};

export const SERVICE_ACCOUNTS: Resource = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
};
export const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
export const BATCH_JOBS: Resource = { group: 'batch', version: 'v1', plural: 'jobs', kind: 'Job' };
const DRA = { group: 'resource.k8s.io', version: 'v1' };
export const CLAIM_TEMPLATES: Resource = {
  ...DRA,
  plural: 'resourceclaimtemplates',
  kind: 'ResourceClaimTemplate',
};
export const RESOURCE_CLAIMS: Resource = { ...DRA, plural: 'resourceclaims', kind: 'ResourceClaim' };
export const RESOURCE_SLICES: Resource = { ...DRA, plural: 'resourceslices', kind: 'ResourceSlice' };
export const DEVICE_CLASSES: Resource = { ...DRA, plural: 'deviceclasses', kind: 'DeviceClass' };

export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The path of a collection, or of the object `at.name` in it. */
export function pathOf(resource: Resource, at: Partial<Place>): string {
  const root = resource.group === '' ? '/api' : `/apis/${resource.group}`;
  const scope = at.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(at.namespace)}`;
  const name = at.name === undefined ? '' : `/${encodeURIComponent(at.name)}`;
  return `${root}/${resource.version}${scope}/${resource.plural}${name}`;
}

export function keyOf({ namespace, name }: Place): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** What the object goes with. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What every object carries, as it comes: an API server's answers are not checked field by field. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

export interface KubeObject {
  /** What its kind has; whoever reads a kind says its shape. */
  readonly [field: string]: unknown;
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
}
