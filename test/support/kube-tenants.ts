import { kubectl, NAMESPACE } from './kube-world.ts';
import type { KubeServer } from './kube-server.ts';

export const SCHEDULER = `system:serviceaccount:${NAMESPACE}:assay-scheduler`;

const RBAC = 'rbac.authorization.k8s.io';
const REVIEWS = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
];
const jobs = (...verbs: string[]) => [{ apiGroups: ['assay'], resources: ['jobs'], verbs }];

/**
 * Two tenants as a platform team makes them, `team-a` and `team-b`, with the roles of the chart: in each a service account
 * `user` that may do everything with its jobs, `viewer` that may look, and `stranger` that may nothing. Assay's own accounts
 * may review and nothing else.
 */
export async function installTenants(server: KubeServer): Promise<void> {
  const tenants = ['team-a', 'team-b'];
  const items = [
    ...[NAMESPACE, ...tenants].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...['assay-scheduler', 'assay-reporter'].flatMap((name) => [
      account(NAMESPACE, name),
      binding('ClusterRoleBinding', name, undefined, 'assay-reviews', subject(NAMESPACE, name)),
    ]),
    role('assay-reviews', REVIEWS),
    role('assay-user', jobs('create', 'get', 'list', 'delete')),
    role('assay-viewer', jobs('get', 'list')),
    ...tenants.flatMap((tenant) => [
      ...['user', 'viewer', 'stranger'].map((name) => account(tenant, name)),
      ...['user', 'viewer'].map((name) =>
        binding('RoleBinding', name, tenant, `assay-${name}`, subject(tenant, name)),
      ),
    ]),
  ];
  await kubectl(server, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** Lets somebody who is no service account use the jobs of a tenant. */
export async function bindUser(server: KubeServer, tenant: string, user: string): Promise<void> {
  const bound = binding('RoleBinding', `user-${user.replaceAll(/[^a-z]/g, '-')}`, tenant, 'assay-user', {
    kind: 'User',
    apiGroup: RBAC,
    name: user,
  });
  await kubectl(server, ['apply', '-f', '-'], JSON.stringify(bound));
}

/** A token of a service account, for Assay unless another audience is named. */
export async function tokenOf(
  server: KubeServer,
  namespace: string,
  name: string,
  ...options: readonly string[]
): Promise<string> {
  const how = options.length === 0 ? ['--audience=assay'] : options;
  return (await kubectl(server, ['create', 'token', name, `--namespace=${namespace}`, ...how])).trim();
}

function account(namespace: string, name: string): object {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } };
}

function subject(namespace: string, name: string): object {
  return { kind: 'ServiceAccount', namespace, name };
}

function role(name: string, rules: readonly object[]): object {
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules };
}

function binding(
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  name: string,
  namespace: string | undefined,
  to: string,
  who: object,
): object {
  return {
    apiVersion: `${RBAC}/v1`,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: to },
    subjects: [who],
  };
}
