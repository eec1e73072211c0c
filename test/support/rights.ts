import { readFile } from 'node:fs/promises';
import type { Cluster } from '../cluster/cluster.ts';

/** One verb on one kind in one namespace (`*`: all), by one service account. */
export type Right = `${string} ${string} ${string} ${string}`;

const rightOf = (account: string, verb: string, resource: string, namespace: string): Right =>
  `${account} ${verb} ${resource} ${namespace}`;

const named = (resource: string, group: string) => (group === '' ? resource : `${resource}.${group}`);

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
}

interface Bound {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}

/** What the roles bound to the service accounts of a namespace allow, verb by verb. */
export async function granted(cluster: Cluster, namespace: string): Promise<ReadonlySet<Right>> {
  const kinds = 'roles,rolebindings,clusterroles,clusterrolebindings';
  const said = await cluster.kubectl(['get', kinds, '--all-namespaces', '-o', 'json']);
  const { items } = JSON.parse(said) as { readonly items: readonly Bound[] };
  const rights = new Set<Right>();
  for (const { kind, metadata, roleRef, subjects = [] } of items) {
    const accounts = subjects.filter((who) => who.kind === 'ServiceAccount' && who.namespace === namespace);
    if (roleRef === undefined || accounts.length === 0) continue;
    const home = roleRef.kind === 'Role' ? metadata.namespace : undefined;
    const role = items.find(
      (one) =>
        one.kind === roleRef.kind && one.metadata.name === roleRef.name && one.metadata.namespace === home,
    );
    const where = kind === 'ClusterRoleBinding' ? '*' : (metadata.namespace ?? '*');
    for (const { name } of accounts)
      for (const [verb, resource] of pairsOf(role?.rules ?? []))
        rights.add(rightOf(name, verb, resource, where));
  }
  return rights;
}

function* pairsOf(rules: readonly Rule[]): Generator<readonly [verb: string, resource: string]> {
  for (const { apiGroups = [], resources = [], verbs } of rules)
    for (const group of apiGroups)
      for (const resource of resources) for (const verb of verbs) yield [verb, named(resource, group)];
}

interface Audited {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly apiGroup?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
}

/** What those accounts asked for, as the API server wrote it down; and what of it was forbidden them. */
export async function asked(
  auditLog: string,
  namespace: string,
): Promise<{ readonly allowed: ReadonlySet<Right>; readonly forbidden: ReadonlySet<Right> }> {
  const [allowed, forbidden] = [new Set<Right>(), new Set<Right>()];
  const prefix = `system:serviceaccount:${namespace}:`;
  for (const line of (await readFile(auditLog, 'utf8')).split('\n')) {
    if (!line.includes(prefix)) continue;
    const { verb, user, objectRef, responseStatus } = JSON.parse(line) as Audited;
    if (!user.username.startsWith(prefix) || objectRef?.resource === undefined) continue;
    const { resource, subresource, apiGroup = '', namespace: where = '*' } = objectRef;
    const kind = named(subresource === undefined ? resource : `${resource}/${subresource}`, apiGroup);
    const right = rightOf(user.username.slice(prefix.length), verb, kind, where);
    (responseStatus?.code === 403 ? forbidden : allowed).add(right);
  }
  return { allowed, forbidden };
}

/** `kubectl auth can-i --list` of each service account of the namespaces, in its own. */
export async function canList(cluster: Cluster, namespaces: readonly string[]): Promise<string> {
  const lists: string[] = [];
  for (const namespace of namespaces) {
    const said = await cluster.kubectl(['get', 'serviceaccounts', '-n', namespace, '-o', 'name']);
    for (const account of said
      .trim()
      .split('\n')
      .map((name) => name.replace('serviceaccount/', ''))) {
      const as = `--as=system:serviceaccount:${namespace}:${account}`;
      lists.push(
        `${namespace}/${account}`,
        await cluster.kubectl(['auth', 'can-i', '--list', as, '-n', namespace]),
      );
    }
  }
  return lists.join('\n');
}

/** Rights that nobody has used. A right in all namespaces is used by what asked in any. */
export function unused(rights: ReadonlySet<Right>, used: ReadonlySet<Right>): readonly Right[] {
  const anywhere = new Set([...used].map((right) => right.replace(/ \S+$/, ' *')));
  return [...rights].filter((right) => !(right.endsWith(' *') ? anywhere : used).has(right)).toSorted();
}
