import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requireCluster, type Cluster } from '../cluster/cluster.ts';
import { loadNodeImage } from './node-image.ts';

const found = await requireCluster();
const cluster = found as Cluster; // nothing below runs without one
const own = found?.record ?? null;
const [first = '', second = ''] = cluster?.nodes ?? [];
const NAMESPACE = 'cluster-test';
const IDLE = 'setInterval(() => {}, 1e6)';
const SERVE = `require('http').createServer((_, r) => r.end('served by ' + require('os').hostname())).listen(8080)`;

let image = '';

const k = (args: readonly string[], input?: string) =>
  cluster.kubectl(['--namespace', NAMESPACE, ...args], input);
const apply = (...objects: readonly object[]) =>
  k(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
const ready = (...pods: readonly string[]) =>
  k(['wait', '--for=condition=Ready', '--timeout=60s', ...pods.map((name) => `pod/${name}`)]);
/** What a script prints in a pod. */
const evaluate = (pod: string, script: string) => k(['exec', pod, '--', '/usr/bin/node', '-p', script]);
const ask = (pod: string, url: string) =>
  k([
    'exec',
    pod,
    '--',
    '/usr/bin/node',
    '-e',
    `fetch('${url}', { signal: AbortSignal.timeout(2000) }).then((r) => r.text()).then((text) => text, (error) => error.name).then((text) => console.log(text) ?? process.exit())`,
  ]);

interface PodOptions {
  readonly name: string;
  readonly app?: string;
  readonly node?: string;
  readonly script?: string;
  readonly limits?: Readonly<Record<string, string>>;
  readonly claim?: string;
}

function pod({ name, app = name, node, script = IDLE, limits = {}, claim }: PodOptions): object {
  const claims = claim === undefined ? {} : { claims: [{ name: 'device' }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 0,
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [{ name: 'main', image, args: ['-e', script], resources: { limits, ...claims } }],
      ...(claim === undefined
        ? {}
        : { resourceClaims: [{ name: 'device', resourceClaimTemplateName: claim }] }),
    },
  };
}

beforeAll(async () => {
  if (found === null) return;
  image = await loadNodeImage(cluster);
  await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait']);
  await cluster.kubectl(['create', 'namespace', NAMESPACE]);
  await k(['wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'server', namespace: NAMESPACE },
    spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8080 }] },
  };
  await apply(
    service,
    pod({ name: 'server', node: first, script: SERVE }),
    ...[first, second].flatMap((node, at) => [
      pod({ name: `friend-${at}`, app: 'friend', node }),
      pod({ name: `stranger-${at}`, app: 'stranger', node }),
    ]),
  );
  await ready('server', 'friend-0', 'friend-1', 'stranger-0', 'stranger-1');
});

afterAll(async () => {
  if (found !== null) await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
});

describe.skipIf(found === null)('the cluster', () => {
  it('has two nodes that are Ready', async () => {
    const nodes = await cluster.kubectl(['get', 'nodes', '--no-headers', first, second]);
    expect(nodes.match(/\bReady\b/g)).toHaveLength(2);
  });

  it.each([0, 1])('answers names and services of the other node on node %i', async (at) => {
    const name = `server.${NAMESPACE}.svc.cluster.local`;
    await vi.waitFor(
      async () => expect(await ask(`stranger-${at}`, `http://${name}`)).toBe('served by server'),
      {
        timeout: 10_000,
      },
    );
    const address = await k(['get', 'service', 'server', '-o', 'jsonpath={.spec.clusterIP}']);
    expect(await ask(`stranger-${at}`, `http://${address}`)).toBe('served by server');
  });

  it('holds a NetworkPolicy on both nodes', async () => {
    const only = (name: string, app: string, ingressFrom: string) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        podSelector: { matchLabels: { app } },
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: { matchLabels: { app: ingressFrom } } }] }],
      },
    });
    await apply(only('server', 'server', 'friend'));
    for (const at of [0, 1]) {
      await vi.waitFor(
        async () => expect(await ask(`stranger-${at}`, 'http://server')).toBe('TimeoutError'),
        {
          timeout: 20_000,
        },
      );
      expect(await ask(`friend-${at}`, 'http://server')).toBe('served by server');
    }
    await k(['delete', 'networkpolicy', 'server']);
  });

  it('keeps a pod without egress from its neighbours, on both nodes', async () => {
    await apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'silent', namespace: NAMESPACE },
      spec: { podSelector: { matchLabels: { app: 'stranger' } }, policyTypes: ['Egress'], egress: [] },
    });
    for (const at of [0, 1]) {
      const address = await k(['get', 'pod', 'server', '-o', 'jsonpath={.status.podIP}']);
      await vi.waitFor(
        async () => expect(await ask(`stranger-${at}`, `http://${address}:8080`)).toBe('TimeoutError'),
        {
          timeout: 20_000,
        },
      );
    }
    await k(['delete', 'networkpolicy', 'silent']);
  });

  it('reviews a token for its audience, and for no other', async () => {
    const token = await k(['create', 'token', 'default', '--audience=assay']);
    const review = async (audience: string) =>
      JSON.parse(
        await cluster.kubectl(
          ['create', '-o', 'json', '-f', '-'],
          JSON.stringify({
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenReview',
            spec: { token, audiences: [audience] },
          }),
        ),
      ) as { status: { authenticated?: boolean; user?: { username?: string } } };
    const right = await review('assay');
    expect(right.status).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${NAMESPACE}:default` },
    });
    expect((await review('other')).status.authenticated ?? false).toBe(false);
  });
});

describe.skipIf(own === null)('the cluster of this machine', () => {
  it('counts an extended resource', async () => {
    await cluster.script('devices.sh', 'extended', first, 'tenstorrent.com/n150', '2');
    const chips = ['chip-0', 'chip-1', 'chip-2'];
    await apply(...chips.map((name) => pod({ name, app: 'chip', limits: { 'tenstorrent.com/n150': '1' } })));
    const phases = async () =>
      (await k(['get', 'pods', '-l', 'app=chip', '-o', 'jsonpath={.items[*].status.phase}']))
        .split(' ')
        .sort();
    await vi.waitFor(async () => expect(await phases()).toEqual(['Pending', 'Running', 'Running']), {
      timeout: 30_000,
    });
    await k(['delete', 'pods', '-l', 'app=chip']);
    await cluster.script('devices.sh', 'extended', first, 'tenstorrent.com/n150', '0');
  });

  it('gives a claim the device that it asks for', async () => {
    await cluster.script('devices.sh', 'dra', second);
    const expression = 'device.attributes["tenstorrent.com"].boardName == "p150"';
    const exactly = { deviceClassName: 'tenstorrent.com', selectors: [{ cel: { expression } }] };
    await apply(
      {
        apiVersion: 'resource.k8s.io/v1',
        kind: 'ResourceClaimTemplate',
        metadata: { name: 'p150', namespace: NAMESPACE },
        spec: { spec: { devices: { requests: [{ name: 'device', exactly }] } } },
      },
      pod({ name: 'claimer', claim: 'p150' }),
    );
    await ready('claimer');
    expect(await evaluate('claimer', 'process.env.ASSAY_DEVICE_P150_0')).toBe(
      `tenstorrent.com/${second}/p150-0`,
    );
    await k(['delete', 'pod', 'claimer']);
    await cluster.script('devices.sh', 'dra-stop', second);
  });

  it('has fake nodes that are Ready, and none after', async () => {
    await cluster.script('devices.sh', 'kwok', '5', 'tenstorrent.com/n150=4');
    const chips = 'jsonpath={.items[*].status.allocatable.tenstorrent\\.com/n150}';
    expect(await cluster.kubectl(['get', 'nodes', '-l', 'type=kwok', '-o', chips])).toBe('4 4 4 4 4');
    await cluster.script('devices.sh', 'kwok', '0');
    expect(await cluster.kubectl(['get', 'nodes', '-o', 'name'])).not.toContain('kwok');
  });

  it('moves what a drained node ran', async () => {
    await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'movable', namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { app: 'movable' } },
        replicas: 2,
        template: {
          metadata: { labels: { app: 'movable' } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: 'main', image, args: ['-e', IDLE] }],
          },
        },
      },
    });
    const drain = [
      'drain',
      second,
      '--ignore-daemonsets',
      '--force',
      '--delete-emptydir-data',
      '--timeout=60s',
    ];
    try {
      await cluster.kubectl(drain);
      await k(['rollout', 'status', 'deployment/movable', '--timeout=60s']);
      const where = ['get', 'pods', '-l', 'app=movable', '-o', 'jsonpath={.items[*].spec.nodeName}'];
      await vi.waitFor(async () => expect(await k(where)).toBe(`${first} ${first}`), { timeout: 30_000 });
    } finally {
      await cluster.kubectl(['uncordon', second]);
    }
  });

  it('binds a claim to a static volume', async () => {
    await cluster.script('volumes.sh', '1', '1Gi', NAMESPACE);
    await apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'claim', namespace: NAMESPACE },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    await k(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/claim', '--timeout=30s']);
    await k(['delete', 'pvc', 'claim']);
    await cluster.kubectl(['delete', 'pv', `${NAMESPACE}-0`]);
  });

  it('knows the monitors and rules of prometheus-operator', async () => {
    await cluster.script('crds.sh');
    const kinds = await cluster.kubectl(['api-resources', '--api-group=monitoring.coreos.com', '-o', 'name']);
    expect(
      kinds
        .split('\n')
        .map((kind) => kind.split('.')[0])
        .sort(),
    ).toEqual(['podmonitors', 'prometheusrules', 'servicemonitors']);
  });

  it('writes down who asked for what', async () => {
    const lines = (await readFile(cluster.auditLog ?? '', 'utf8')).trim().split('\n');
    const events = lines.map(
      (line) => JSON.parse(line) as { verb: string; objectRef?: { resource: string } },
    );
    expect(
      events.some(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'tokenreviews'),
    ).toBe(true);
  });

  it('runs a command in each node', async () => {
    expect(await cluster.inNode(first, ['hostname'])).toBe(first);
    expect(await cluster.inNode(second, ['hostname'])).toBe(second);
  });
});
