import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCatalog } from '@assay/lib/catalog';
import { AssayError } from '@assay/lib/errors';
import { serviceSpecs } from '@assay/cli/local/services';
import { readConfig as reporterConfig } from '../../services/reporter/config.ts';
import { readConfig as runnerConfig } from '../../services/runner/config.ts';
import { readConfig as sandboxConfig } from '../../services/sandbox/config.ts';
import { readConfig as chartTestConfig } from '../../services/scheduler/inside/chart-test-config.ts';
import { readServersFile } from '../../services/scheduler/adapters/kubernetes/servers-file.ts';
import { readConfig as schedulerConfig } from '../../services/scheduler/config.ts';
import {
  CHART,
  execute,
  MATRIX,
  only,
  podsOf,
  render,
  type Container,
  type Pod,
  type Rendered,
} from '../support/chart.ts';
import { helms } from '../support/helm.ts';

const CONFIGS = {
  scheduler: schedulerConfig,
  runner: runnerConfig,
  agent: sandboxConfig,
  reporter: reporterConfig,
  test: chartTestConfig,
};

const all = await helms();

describe.each(all)('Helm $version', (helm) => {
  it('finds nothing to complain about', async () => {
    await execute(helm, ['lint', '--strict', CHART]);
    for (const ci of MATRIX)
      await execute(helm, ['lint', '--strict', CHART, '--values', `${CHART}/ci/${ci}-values.yaml`]);
  });

  it.each(MATRIX)('renders %s', async (ci) => {
    const objects = await render(helm, { ci });
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(objects.filter(({ kind, metadata }) => kind === 'Namespace' && metadata.name === 'assay')).toEqual(
      [],
    );
    for (const { kind, metadata } of objects) {
      if (metadata.name === 'note') continue; // an object of the values
      if (!metadata.name.includes('epoch'))
        expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
          'app.kubernetes.io/name': 'assay',
          'app.kubernetes.io/part-of': 'assay',
        });
    }
  });
});

describe.skipIf(all.length === 0)('what is rendered', () => {
  const [helm = { version: '', program: '' }] = all;

  it.each(MATRIX)('has pods that Pod Security restricted admits: %s', async (ci) => {
    for (const pod of podsOf(await render(helm, { ci })))
      expect(laxities(pod), pod.of.metadata.name).toEqual([]);
  });

  it('chooses pods by what never changes', async () => {
    const objects = await render(helm, { ci: 'ha', set: ['scheduler.podLabels={"team":"a"}'] });
    for (const { kind, metadata, spec } of objects) {
      if (kind !== 'Deployment' && kind !== 'StatefulSet') continue;
      expect(
        Object.keys((spec as { selector: { matchLabels: object } }).selector.matchLabels),
        metadata.name,
      ).toEqual(['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component']);
    }
  });

  it.each(MATRIX)('gives every service settings that it knows: %s', async (ci) => {
    const seen = new Set<string>();
    for (const { containers } of podsOf(await render(helm, { ci }))) {
      for (const container of containers) {
        const read = CONFIGS[container.name as keyof typeof CONFIGS] as
          ((env: NodeJS.ProcessEnv) => unknown) | undefined;
        if (read === undefined) continue;
        seen.add(container.name);
        expect(problemsOf(read, container), container.name).toEqual([]);
      }
    }
    expect([...seen].toSorted()).toEqual(Object.keys(CONFIGS).toSorted());
  });

  it('starts V8 as on a laptop, with a heap below the limit', async () => {
    const pods = podsOf(await render(helm));
    const specs = serviceSpecs({
      layout: new Proxy({}, { get: () => '/x' }) as never,
      ports: { scheduler: 1, reporter: 2 } as never,
      token: '',
      natsUrl: '',
      natsToken: undefined,
      home: '',
      node: 'node',
      env: {},
      catalog: '',
      extra: {},
      ledger: { generationsBytes: 1, scoresBytes: 1 },
    });
    for (const [service, { command }] of Object.entries(specs)) {
      const container = pods
        .flatMap(({ containers }) => containers)
        .find(({ args = [] }) => args.includes(`services/${service}/main.ts`));
      const heap = container?.args?.find((arg) => arg.startsWith('--max-old-space-size='));
      expect(container?.args?.filter((arg) => arg !== heap)).toEqual([
        ...command.slice(1, -1),
        `services/${service}/main.ts`,
      ]);
      const resources = container?.['resources'] as { limits: { memory: string } } | undefined;
      expect(Number(heap?.split('=')[1])).toBeLessThan(mebibytes(resources?.limits.memory ?? '0') * 0.8);
    }
  });

  it('gives a pod time for the grace of its process and for what closes after it', async () => {
    for (const { spec, containers, of } of podsOf(await render(helm))) {
      const grace = containers
        .flatMap(({ env = [] }) => env)
        .find(({ name }) => name === 'ASSAY_GRACE')?.value;
      if (grace === undefined) continue;
      const [process, pod] = [Number.parseInt(grace, 10), Number(spec['terminationGracePeriodSeconds'])];
      expect(pod - process, of.metadata.name).toBeGreaterThanOrEqual(20);
    }
  });

  it('keeps two installations in one cluster apart', async () => {
    const wide = async (namespace: string) =>
      (await render(helm, { namespace, release: 'assay' }))
        .filter(({ metadata }) => metadata.namespace === undefined)
        .map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    const [one, two] = [await wide('one'), new Set(await wide('two'))];
    expect(one.length).toBeGreaterThan(10);
    expect(one.filter((name) => two.has(name))).toEqual([]);
  });

  it('has an anchor in each of its namespaces', async () => {
    const anchors = (await render(helm)).filter(({ metadata }) => metadata.name === 'assay-anchor');
    expect(anchors.map(({ metadata }) => metadata.namespace).toSorted()).toEqual([
      'assay',
      'assay-sandboxes',
      'assay-servers',
    ]);
  });

  it('has budgets for what there is more of than one, and starts a pod anew when its configuration changes', async () => {
    const [ha, defaults] = [await render(helm, { ci: 'ha' }), await render(helm)];
    expect(ha.filter(({ kind }) => kind === 'PodDisruptionBudget')).toHaveLength(4);
    expect(defaults.filter(({ kind }) => kind === 'PodDisruptionBudget')).toHaveLength(0);
    const sum = async (set: string) =>
      podsOf(await render(helm, { set: [set] })).map(
        ({ metadata }) => metadata.annotations?.['checksum/config'] ?? '',
      );
    expect(await sum('catalog.devices={"a":{"description":"b"}}')).not.toEqual(
      await sum('catalog.devices={}'),
    );
    expect(await sum('partitions=["p0","p1"]')).not.toEqual(await sum('partitions=["p0"]'));
  });

  it('makes the same password for a user in every namespace, and none where a Secret is given', async () => {
    const secrets = (await render(helm)).filter(({ kind }) => kind === 'Secret');
    const broker = secrets.filter(({ metadata }) => metadata.name === 'assay-broker');
    expect(broker.map(({ metadata }) => metadata.namespace)).toEqual(['assay', 'assay-sandboxes']);
    expect(Object.keys(broker[1]?.data ?? {})).toEqual(['sandbox']);
    expect(broker[1]?.data?.['sandbox']).toBe(broker[0]?.data?.['sandbox']);
    expect(new Set(Object.values(broker[0]?.data ?? {})).size).toBe(4);
    expect((await render(helm, { ci: 'external' })).filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('tells the broker the users of every partition', async () => {
    const objects = await render(helm, { set: ['partitions=["p0","p1"]'] });
    const text = only(objects, 'ConfigMap', 'assay-nats').data?.['nats.conf'] ?? '';
    expect(text).toContain('sync_interval: always');
    for (const subject of ['assay.p0.generations.>', 'assay.p1.generations.>'])
      expect(text).toContain(`"${subject}"`);
    expect(text).not.toContain('{partition}');
  });

  it.each(MATRIX)('tells the scheduler of model servers and catalog what it understands: %s', async (ci) => {
    const objects = await render(helm, { ci });
    const folder = await mkdtemp(path.join(tmpdir(), 'assay-chart-'));
    try {
      const file = path.join(folder, 'servers.yaml');
      await writeFile(file, only(objects, 'ConfigMap', 'assay-servers').data?.['servers.yaml'] ?? '');
      const read = await readServersFile(file);
      expect(read.namespace).toBe(ci === 'external' ? 'assay-models' : 'assay-servers');

      const data = only(objects, 'ConfigMap', 'assay-catalog').data ?? {};
      for (const { key, path: place } of overlayItems(objects)) {
        await mkdir(path.dirname(path.join(folder, 'catalog', place)), { recursive: true });
        await writeFile(path.join(folder, 'catalog', place), data[key] ?? '');
      }
      const { devices } = await loadCatalog(
        path.join(CHART, '../../../catalog'),
        path.join(folder, 'catalog'),
      );
      const claim = ci === 'tt-dra' ? 'dra' : 'extended_resource';
      expect(devices.find(({ name }) => name === 'n150')?.pod?.claim).toBe(claim);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('lays the catalog of the values over the shipped one', async () => {
    const set = [
      'catalog.tasks={"mine/arc":{"num_fewshot":3}}',
      'catalog.devices={"n150":{"description":"x"}}',
    ];
    const objects = await render(helm, { set });
    expect(only(objects, 'ConfigMap', 'assay-catalog').data).toMatchObject({
      'tasks.mine...arc.yaml': 'num_fewshot: 3\n',
      'devices.n150.yaml': 'description: x\n',
    });
    expect(overlayItems(objects)).toContainEqual({
      key: 'tasks.mine...arc.yaml',
      path: 'tasks/mine/arc.yaml',
    });
  });
});

/** What Pod Security `restricted` would refuse, and what we ask beyond it. */
function laxities({ spec, containers }: Pod): readonly string[] {
  const pod = spec.securityContext ?? {};
  const type = (pod['seccompProfile'] as { type?: string } | undefined)?.type;
  return [
    ...(pod['runAsNonRoot'] === true ? [] : ['may be root']),
    ...(type === 'RuntimeDefault' ? [] : ['no seccomp']),
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true),
    ...(spec.volumes ?? []).filter((volume) => 'hostPath' in volume).map(() => 'a host path'),
    ...(spec['enableServiceLinks'] === false ? [] : ['service links']),
    ...containers.flatMap(({ name, securityContext = {} }) => [
      ...(securityContext['allowPrivilegeEscalation'] === false ? [] : [`${name}: escalation`]),
      ...(securityContext['readOnlyRootFilesystem'] === true ? [] : [`${name}: writes its root`]),
      ...(JSON.stringify(securityContext['capabilities']) === '{"drop":["ALL"]}'
        ? []
        : [`${name}: capabilities`]),
      ...(securityContext['privileged'] === true ? [`${name}: privileged`] : []),
    ]),
  ];
}

function problemsOf(read: (env: NodeJS.ProcessEnv) => unknown, { env = [] }: Container): readonly string[] {
  const given = Object.fromEntries(
    env
      .filter(({ name }) => name.startsWith('ASSAY_'))
      .map(({ name, value }) => [name, value ?? 'postgres://a:b@c/d']),
  );
  try {
    read(given);
    return [];
  } catch (error) {
    return AssayError.from(error).violations.map(({ field, message }) => `${field} ${message}`);
  }
}

/** Where the files of the overlay come to lie. */
function overlayItems(
  objects: readonly Rendered[],
): readonly { readonly key: string; readonly path: string }[] {
  const scheduler = podsOf(objects).find(({ of }) => of.metadata.name === 'assay-scheduler');
  const volume = scheduler?.spec.volumes?.find(({ name }) => name === 'catalog')?.['configMap'];
  return (volume as { items: { key: string; path: string }[] }).items;
}

function mebibytes(quantity: string): number {
  return Number.parseInt(quantity, 10) * (quantity.endsWith('Gi') ? 1024 : 1);
}
