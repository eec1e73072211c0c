import { describe, expect, it } from 'vitest';
import {
  MATRIX,
  only,
  podsOf,
  render,
  type Rendered,
  type RenderOptions,
  type Rule,
} from '../support/chart.ts';
import { helms } from '../support/helm.ts';
import { allows, type Place } from '../support/network-policies.ts';

const [helm] = await helms();
const at = { version: '', program: '', ...helm };

describe.skipIf(helm === undefined)('the network', () => {
  const PORTS = [53, 4222, 5432, 7070, 8000, 8080, 8081, 8222];
  const made = (component: string, managedBy = 'Helm'): Place['labels'] => ({
    'app.kubernetes.io/name': 'assay',
    'app.kubernetes.io/instance': 'assay',
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/managed-by': managedBy,
  });
  const PODS: Readonly<Record<string, Place>> = {
    scheduler: { namespace: 'assay', labels: made('scheduler') },
    runner: { namespace: 'assay', labels: made('runner') },
    reporter: { namespace: 'assay', labels: made('reporter') },
    broker: { namespace: 'assay', labels: made('nats') },
    database: { namespace: 'assay', labels: made('postgres') },
    test: { namespace: 'assay', labels: made('test') },
    sandbox: { namespace: 'assay-sandboxes', labels: made('sandbox') },
    'model server': { namespace: 'assay-servers', labels: { 'app.kubernetes.io/component': 'model-server' } },
    weights: { namespace: 'assay-servers', labels: { 'app.kubernetes.io/component': 'weights' } },
    'strange server': { namespace: 'assay-servers', labels: {} },
    'strange sandbox': { namespace: 'assay-sandboxes', labels: {} },
    Prometheus: { namespace: 'monitoring', labels: {} },
    user: { namespace: 'team-a', labels: {} },
    DNS: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  };
  /** Pods that are not ours have no policy of ours at their end. */
  const FREE = ['Prometheus', 'user', 'DNS'];

  const edges = (objects: readonly Rendered[]) =>
    Object.entries(PODS).flatMap(([from, a]) =>
      Object.entries(PODS)
        .filter(([to]) => to !== from && !(FREE.includes(from) && FREE.includes(to)))
        .flatMap(([to, b]) => {
          const open = PORTS.filter((port) => allows(objects, a, b, port));
          return open.length === 0 ? [] : [`${from} → ${to}: ${open.join(' ')}`];
        }),
    );

  it('has these edges and no others', async () => {
    expect(edges(await render(at))).toEqual([
      'scheduler → reporter: 7070',
      'scheduler → broker: 4222',
      'scheduler → model server: 8000 8081',
      'scheduler → weights: 8081',
      'scheduler → DNS: 53',
      'runner → broker: 4222',
      'runner → model server: 8000',
      'runner → DNS: 53',
      'reporter → broker: 4222',
      'reporter → database: 5432',
      'reporter → DNS: 53',
      'test → scheduler: 7070',
      'test → reporter: 7070',
      'test → broker: 4222',
      'test → DNS: 53',
      'sandbox → broker: 4222',
      'sandbox → DNS: 53',
      'weights → DNS: 53',
      'Prometheus → scheduler: 7070 8080',
      'Prometheus → runner: 8080',
      'Prometheus → reporter: 7070 8080',
      'Prometheus → sandbox: 8080',
      // Whoever is not walled in may knock.
      'user → scheduler: 7070',
      'user → reporter: 7070',
      'DNS → scheduler: 7070',
      'DNS → reporter: 7070',
    ]);
  });

  it('lets in only the clients that are named, and itself', async () => {
    const clients = '[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"team-b"}}}]';
    const doors = edges(await render(at, { set: [`networkPolicy.clients=${clients}`] })).filter((edge) =>
      / 7070|: 7070/.test(edge),
    );
    expect(doors).toEqual(['scheduler → reporter: 7070', 'test → scheduler: 7070', 'test → reporter: 7070']);
  });

  it('leads outside only where the values say', async () => {
    const outside = async (options: RenderOptions) =>
      (await render(at, options)).flatMap(({ kind, metadata, spec }) =>
        kind !== 'NetworkPolicy'
          ? []
          : (
              (spec as { egress?: { to?: { ipBlock?: { cidr: string } }[]; ports: { port: number }[] }[] })
                .egress ?? []
            ).flatMap(({ to, ports }) => {
              const where =
                to === undefined ? ['anywhere'] : to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []);
              return where.map(
                (cidr) => `${metadata.name} ${cidr} ${ports.map(({ port }) => port).join(' ')}`,
              );
            }),
      );
    expect((await outside({})).toSorted()).toEqual([
      'assay-reporter anywhere 443 6443',
      'assay-scheduler anywhere 443 6443',
      'assay-weights 0.0.0.0/0 443',
    ]);
    expect((await outside({ ci: 'external' })).toSorted()).toEqual([
      'assay-reporter 10.0.0.1/32 6443',
      'assay-reporter 192.0.2.0/24 443',
      'assay-reporter 198.51.100.0/24 4222',
      'assay-reporter 198.51.100.7/32 5432',
      'assay-runner 198.51.100.0/24 4222',
      'assay-runner 203.0.113.0/24 443',
      'assay-sandbox 198.51.100.0/24 4222',
      'assay-scheduler 10.0.0.1/32 6443',
      'assay-scheduler 192.0.2.0/24 443',
      'assay-scheduler 198.51.100.0/24 4222',
      'assay-scheduler 203.0.113.0/24 443',
      'assay-test 198.51.100.0/24 4222',
      'assay-weights 0.0.0.0/0 443',
    ]);
  });
});

describe.skipIf(helm === undefined)('the rights', () => {
  it.each(MATRIX)('are no wildcards, no list of Secrets and no way into a pod: %s', async (ci) => {
    for (const { metadata, rules = [] } of await render(at, { ci })) {
      for (const { apiGroups, resources, verbs } of rules) {
        const all = [...apiGroups, ...resources, ...verbs];
        expect(all, metadata.name).not.toContain('*');
        expect(
          resources.filter((resource) => resource.includes('/')),
          metadata.name,
        ).toEqual([]);
        if (resources.includes('secrets')) expect(verbs).toEqual(['create', 'patch', 'delete', 'get']);
        expect(verbs).not.toContain('impersonate');
        expect(verbs).not.toContain('escalate');
      }
    }
  });

  it('in the whole cluster are to read what placement needs, and to ask who somebody is', async () => {
    const objects = await render(at);
    const bound = objects
      .filter(({ kind }) => kind === 'ClusterRoleBinding')
      .map((binding) => (binding as unknown as { roleRef: { name: string } }).roleRef.name);
    const rights = bound.flatMap((name) => only(objects, 'ClusterRole', name).rules ?? []).flatMap(words);
    expect(rights.toSorted()).toEqual([
      'deviceclasses: list',
      'nodes: list watch',
      'pods: list watch',
      'resourceclaims: list watch',
      'resourceslices: list watch',
      'subjectaccessreviews: create',
      'tokenreviews: create',
    ]);
  });

  it('of everybody but scheduler and reporter are none, not even a token', async () => {
    const objects = await render(at);
    for (const { of, spec } of podsOf(objects)) {
      const needed = ['assay-scheduler', 'assay-reporter'].includes(of.metadata.name);
      expect(spec['automountServiceAccountToken'], of.metadata.name).toBe(needed);
    }
    const subjects = objects.flatMap(
      (object) => (object as { subjects?: { name: string }[] }).subjects ?? [],
    );
    expect([...new Set(subjects.map(({ name }) => name))].toSorted()).toEqual([
      'assay-reporter',
      'assay-scheduler',
      'assay-test', // over the jobs of its own namespace
    ]);
  });

  it('shrink where the shared token is used', async () => {
    const objects = await render(at, { ci: 'cpu' });
    expect(
      objects.filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name.endsWith('-reviews')),
    ).toEqual([]);
    const reporter = podsOf(objects).find(({ of }) => of.metadata.name === 'assay-reporter');
    expect(reporter?.spec['automountServiceAccountToken']).toBe(false);
  });

  it('of a pod over the broker are those of its own user', async () => {
    for (const { of, spec, containers } of podsOf(await render(at, { ci: 'external' }))) {
      const user = containers
        .flatMap(({ env = [] }) => env)
        .find(({ name }) => name === 'ASSAY_NATS_USER')?.value;
      const broker = spec.volumes?.find(({ name }) => name === 'broker')?.['secret'];
      expect(broker, of.metadata.name).toEqual({
        secretName: of.metadata.namespace === 'assay-jail' ? 'broker-sandbox' : 'broker',
        items: [{ key: user, path: 'password' }],
      });
    }
  });
});

function words({ resources, verbs }: Rule): readonly string[] {
  return resources.map((resource) => `${resource}: ${verbs.join(' ')}`);
}
