import { afterAll, describe, expect, it } from 'vitest';
import { requireCluster, type Cluster } from '../cluster/cluster.ts';
import { execute as run } from '../cluster/execute.ts';
import { CHART } from '../support/chart.ts';
import { helms } from '../support/helm.ts';

// What Helm and the API server make of an installation; its pods need no image for that.
const found = await requireCluster();
const cluster = found as Cluster; // nothing below runs without one
const all = found === null ? [] : await helms();

const NAMESPACE = 'chart-install';
const NAMESPACES = [NAMESPACE, `${NAMESPACE}-servers`, `${NAMESPACE}-sandboxes`];
const k = (...args: readonly string[]) => cluster.kubectl(args);

afterAll(async () => {
  if (found === null) return;
  await k('delete', 'namespace', ...NAMESPACES, '--ignore-not-found', '--wait=false');
});

describe.each(all)('an installation by Helm $version', ({ program }) => {
  const helm = (...args: readonly string[]) => run([program, ...args, '--namespace', NAMESPACE], cluster.env);
  const secret = (namespace: string) =>
    k('get', 'secret', 'assay-broker', '-n', namespace, '-o', 'jsonpath={.data}');

  it('is made, with its namespaces, and says what comes next', async () => {
    const said = await helm('install', 'assay', CHART, '--create-namespace');
    for (const words of [
      'helm test assay',
      'kubectl create serviceaccount',
      'assay submit',
      'WARNING: passwords were generated',
    ])
      expect(said).toContain(words);
    for (const namespace of NAMESPACES) await k('get', 'configmap', 'assay-anchor', '-n', namespace);
    const level = 'jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}';
    expect(await k('get', 'namespace', `${NAMESPACE}-servers`, '-o', level)).toBe('baseline');
    expect(await k('get', 'namespace', `${NAMESPACE}-sandboxes`, '-o', level)).toBe('restricted');
  });

  it('keeps its passwords when it is upgraded', async () => {
    const before = await Promise.all([secret(NAMESPACE), secret(`${NAMESPACE}-sandboxes`)]);
    await helm('upgrade', 'assay', CHART, '--set', 'runner.replicas=2');
    expect(await Promise.all([secret(NAMESPACE), secret(`${NAMESPACE}-sandboxes`)])).toEqual(before);
    expect(await k('get', 'pdb', '-n', NAMESPACE, '-o', 'name')).toBe(
      'poddisruptionbudget.policy/assay-runner',
    );
  });

  it('is the only one in its namespaces', async () => {
    await expect(helm('install', 'second', CHART)).rejects.toThrow(
      /cannot be imported into the current release.*current value is "assay"/,
    );
  });

  it('has pods that the namespace of sandboxes admits', async () => {
    // Made by a controller, so a refusal is a condition and no error.
    await k(
      'wait',
      '-n',
      `${NAMESPACE}-sandboxes`,
      '--for=create',
      'pod',
      '-l',
      'app.kubernetes.io/component=sandbox',
      '--timeout=30s',
    );
  });

  it('leaves its namespaces and volumes behind, and nothing else', async () => {
    await k('create', 'configmap', 'made-at-run-time', '-n', `${NAMESPACE}-servers`);
    const uid = await k(
      'get',
      'configmap',
      'assay-anchor',
      '-n',
      `${NAMESPACE}-servers`,
      '-o',
      'jsonpath={.metadata.uid}',
    );
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'assay-anchor', uid };
    const patch = JSON.stringify({ metadata: { ownerReferences: [owner] } });
    await k('patch', 'configmap', 'made-at-run-time', '-n', `${NAMESPACE}-servers`, '-p', patch);
    await helm('uninstall', 'assay', '--wait', '--timeout=60s');
    await gone(() =>
      k('get', 'configmap', 'made-at-run-time', '-n', `${NAMESPACE}-servers`, '--ignore-not-found'),
    );
    await gone(() => k('get', 'pods', '-A', '-l', 'app.kubernetes.io/name=assay', '-o', 'name'));
    const kinds = 'all,configmap,secret,serviceaccount,role,rolebinding,networkpolicy,pdb,pvc,lease';
    const left = await Promise.all(
      NAMESPACES.map((namespace) => k('get', kinds, '-n', namespace, '-o', 'name')),
    );
    expect(left.map(named)).toEqual([
      ['persistentvolumeclaim/data-assay-nats-0', 'persistentvolumeclaim/data-assay-postgres-0'],
      ['persistentvolumeclaim/assay-weights'],
      [],
    ]);
    const wide =
      'clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding,priorityclass';
    expect(await k('get', wide, '-l', 'app.kubernetes.io/name=assay', '-o', 'name')).toBe('');
    expect(await k('get', 'validatingadmissionpolicy', '-o', 'name')).not.toContain(NAMESPACE);
  });
});

/** Without what every namespace has. */
function named(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((name) => name !== '' && !/kube-root-ca\.crt|serviceaccount\/default$/.test(name))
    .toSorted();
}

async function gone(list: () => Promise<string>): Promise<void> {
  let left = '?';
  for (const until = performance.now() + 60_000; performance.now() < until && left !== '';) {
    left = await list();
    if (left !== '') await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(left).toBe('');
}
