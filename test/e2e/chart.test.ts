import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireCluster, type Cluster } from '../cluster/cluster.ts';
import { MATRIX, only, render, type Rendered } from '../support/chart.ts';
import { helms } from '../support/helm.ts';
import { modelServerPod, weightsJob, type PodPatch } from '../support/server-pods.ts';

const found = await requireCluster();
const cluster = found as Cluster; // nothing below runs without one
const all = found === null ? [] : await helms();
const [helm = { version: '', program: '' }] = all;

const RELEASE = 'chart-test';
const WIDE = [
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ClusterRole',
  'ClusterRoleBinding',
];
const made: Rendered[] = [];

beforeAll(async () => {
  if (found === null) return;
  // Somebody else's cluster has prometheus-operator or has not; what it lacks is not ours to add.
  if (cluster.record !== null) await cluster.script('crds.sh');
  for (const [name, level] of [
    [RELEASE, 'restricted'],
    [`${RELEASE}-servers`, 'privileged'],
    [`${RELEASE}-sandboxes`, 'restricted'],
    ['assay-models', 'privileged'],
    ['assay-jail', 'restricted'],
  ] as const) {
    const labels = Object.fromEntries(
      ['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
    );
    await install([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }]);
  }
});
afterAll(async () => {
  for (const { kind, metadata } of made.toReversed())
    if (metadata.namespace === undefined)
      await cluster.kubectl(['delete', kind, metadata.name, '--ignore-not-found', '--wait=false']);
});

async function install(objects: readonly Rendered[]): Promise<void> {
  made.push(...objects);
  await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], listOf(objects));
}

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

describe.skipIf(found === null)('a real API server', () => {
  const cases = all.flatMap((one) => MATRIX.map((ci) => [one.version, ci, one] as const));

  it.each(cases)('takes what Helm %s renders of %s, without a warning', async (_, ci, one) => {
    const objects = await render(one, { ci, release: 'assay', namespace: RELEASE });
    // The pod of `helm test` needs its account to be there.
    await install(
      objects.filter(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === 'assay-test'),
    );
    const strict = [
      '--server-side',
      '--force-conflicts',
      '--dry-run=server',
      '--validate=strict',
      '--warnings-as-errors',
    ];
    const said = await cluster.kubectl(['apply', ...strict, '-f', '-'], listOf(objects));
    expect(said.split('\n')).toHaveLength(objects.length);
  });
});

describe.skipIf(found === null)('the fence around the model servers', () => {
  const account = `system:serviceaccount:${RELEASE}:assay-scheduler`;
  const namespace = `${RELEASE}-servers`;
  const make = (object: object) =>
    cluster.kubectl(
      ['create', '--dry-run=server', '--as', account, '-n', namespace, '-f', '-'],
      JSON.stringify(object),
    );
  const pod = (patch: PodPatch = {}) => make(modelServerPod(patch));

  beforeAll(async () => {
    const set = [
      'servers.privileged=true',
      'servers.allow.images=["ghcr.io/tenstorrent","docker.io/vllm/vllm-openai"]',
      'servers.allow.hostPaths=["/var/lib/weights"]',
      'servers.allow.hostIPC=true',
      'servers.cache={"storage":"nodeCache","path":"/var/lib/cache"}',
    ];
    const objects = await render(helm, { set, namespace: RELEASE });
    const fence = objects.filter(
      ({ kind, metadata }) => WIDE.includes(kind) && !metadata.name.includes('epoch'),
    );
    const rights = objects.filter(
      ({ kind, metadata }) => /^Role(Binding)?$/.test(kind) && metadata.namespace === namespace,
    );
    await install([...fence, ...rights, only(objects, 'ServiceAccount', 'assay-model-server')]);
    await refused(() => pod({ spec: { hostPID: true } }));
  });

  it('is of one type in each of its expressions', async () => {
    for (const kind of ['pods', 'jobs']) {
      const name = `assay-${RELEASE}-servers-${kind}`;
      const status = await cluster.kubectl([
        'get',
        'validatingadmissionpolicy',
        name,
        '-o',
        'jsonpath={.status.typeChecking}',
      ]);
      expect(status === '' ? '{}' : status).toBe('{}');
    }
  });

  it('lets through what the scheduler makes for its servers', async () => {
    await pod();
    for (const name of ['n150', 'n150-dra', 'nvidia-gpu', 'weights-claim', 'weights-node'])
      for (const object of goldens(name)) await make(object);
  });

  const volume = (volumes: readonly object[]) => ({ spec: { volumes } });
  it.each<readonly [string, PodPatch, string]>([
    [
      'an image of somebody else',
      { container: { image: 'docker.io/library/busybox:1' } },
      'servers.allow.images',
    ],
    [
      'an image whose name begins alike',
      { container: { image: 'ghcr.io/tenstorrent-x/server:1' } },
      'servers.allow.images',
    ],
    [
      'an image of another registry’s port',
      { container: { image: 'ghcr.io/tenstorrent:5000/x' } },
      'servers.allow.images',
    ],
    [
      'an image of an init container',
      { spec: { initContainers: [{ name: 'i', image: 'busybox' }] } },
      'servers.allow.images',
    ],
    [
      'an image as a volume',
      volume([{ name: 'v', image: { reference: 'docker.io/x/weights:1' } }]),
      'servers.allow.images',
    ],
    ['the root of the node', volume([{ name: 'v', hostPath: { path: '/' } }]), 'servers.allow.hostPaths'],
    [
      'a path that begins alike',
      volume([{ name: 'v', hostPath: { path: '/var/lib/weights-x' } }]),
      'servers.allow.hostPaths',
    ],
    [
      'the socket of the container runtime',
      volume([{ name: 'v', hostPath: { path: '/run/containerd' } }]),
      'servers.allow.hostPaths',
    ],
    [
      'a token',
      volume([{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }]),
      'a volume that is no',
    ],
    [
      'a claim of somebody else',
      volume([{ name: 'v', persistentVolumeClaim: { claimName: 'x' } }]),
      'a volume that is no',
    ],
    ['another account', { spec: { serviceAccountName: 'default' } }, 'run as assay-model-server'],
    [
      'the token of its account',
      { spec: { automountServiceAccountToken: true } },
      'run as assay-model-server',
    ],
    [
      'a privileged container',
      { container: { securityContext: { privileged: true } } },
      'privileged, unconfined',
    ],
    [
      'a container without seccomp',
      { container: { securityContext: { seccompProfile: { type: 'Unconfined' } } } },
      'privileged, unconfined',
    ],
    [
      'a port of the node',
      { container: { ports: [{ containerPort: 8000, hostPort: 8000 }] } },
      'privileged, unconfined',
    ],
    [
      'a capability',
      { container: { securityContext: { capabilities: { add: ['SYS_ADMIN'] } } } },
      'servers.allow.capabilities',
    ],
    ['the network of the node', { spec: { hostNetwork: true } }, "node's network"],
    ['the processes of the node', { spec: { hostPID: true } }, "node's network"],
    [
      'no label that the walls know',
      { labels: { 'app.kubernetes.io/component': 'other' } },
      'the walls know',
    ],
  ])('refuses %s', async (_, patch, said) => {
    await expect(pod(patch)).rejects.toThrow(said);
  });

  it('refuses the same in the pod of a job', async () => {
    await expect(make(weightsJob({ container: { image: 'busybox' } }))).rejects.toThrow(
      'servers.allow.images',
    );
    await expect(make(weightsJob({ spec: { hostNetwork: true } }))).rejects.toThrow("node's network");
  });

  it('is not the only one: the scheduler’s rights end where its work does', async () => {
    const may = async (verb: string, what: string, where: string) =>
      cluster
        .kubectl(['auth', 'can-i', verb, ...what.split(' '), '-n', where, '--as', account])
        .catch(() => 'no');
    for (const [verb, what, where, answer] of [
      ['create', 'pods', namespace, 'yes'],
      ['get', 'secrets', namespace, 'yes'],
      ['list', 'secrets', namespace, 'no'],
      ['create', 'pods --subresource=exec', namespace, 'no'],
      ['create', 'pods', RELEASE, 'no'],
      ['get', 'secrets', RELEASE, 'no'],
      ['list', 'nodes', 'default', 'yes'],
      ['patch', 'nodes', 'default', 'no'],
      ['list', 'pods', 'default', 'yes'],
      ['create', 'pods', 'default', 'no'],
    ] as const)
      expect(await may(verb, what, where), `${verb} ${what} in ${where}`).toBe(answer);
  });
});

/** Pods and jobs that the renderer is held to make, in the namespace of this test. */
function goldens(name: string): readonly object[] {
  const folder = path.join(import.meta.dirname, '../../services/scheduler/adapters/kubernetes/pod/golden');
  const objects = JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8')) as Pick<
    Rendered,
    'metadata' | 'spec'
  >[];
  return objects.flatMap(({ metadata, spec = {} }) => {
    const kind = Object.hasOwn(spec as object, 'containers')
      ? { apiVersion: 'v1', kind: 'Pod' }
      : Object.hasOwn(spec as object, 'backoffLimit')
        ? { apiVersion: 'batch/v1', kind: 'Job' }
        : null;
    return kind === null
      ? []
      : [{ ...kind, metadata: { ...metadata, namespace: `${RELEASE}-servers` }, spec }];
  });
}

/** A policy takes a moment to be in force. */
async function refused(tries: () => Promise<unknown>): Promise<void> {
  for (const until = performance.now() + 30_000; performance.now() < until;) {
    try {
      await tries();
    } catch (error) {
      if (String(error).includes('ValidatingAdmissionPolicy')) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the policy was not in force within 30 s');
}
