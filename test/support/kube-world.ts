import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '@assay/lib/clock';
import { createMetrics } from '@assay/lib/metrics';
import { type Access, type KubeClient, openAccess, openKubeClient } from '@assay/lib/kube';
import { kubeMetrics, type KubeMetrics } from '../../services/scheduler/metrics.ts';
import { kubePrograms, type KubeServer } from './kube-server.ts';

export const NAMESPACE = 'assay-system';
const ACCOUNT = 'assay-scheduler';

export interface TestClient {
  readonly client: KubeClient;
  readonly metrics: KubeMetrics;
  /** In the text format. */
  readonly counted: () => Promise<string>;
}

export function clientOf(access: Access, rate = { qps: 1_000, burst: 1_000 }): TestClient {
  const all = createMetrics('test');
  const metrics = kubeMetrics(all);
  return { client: openKubeClient({ access, rate, metrics }), metrics, counted: () => all.text() };
}

export async function clientFor(kubeconfig: string): Promise<TestClient> {
  return clientOf(await openAccess({ kubeconfig, clock: systemClock }));
}

/** The output of kubectl as the administrator. */
export function kubectl(server: KubeServer, args: readonly string[], input = ''): Promise<string> {
  const program = path.join(kubePrograms() ?? '', 'kubectl');
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [`--kubeconfig=${server.kubeconfig}`, ...args],
      { maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr))),
    );
    child.stdin?.end(input);
  });
}

/** A namespace, and a service account with rights over ConfigMaps and Leases in it; gives its kubeconfig. */
export async function installAccount(server: KubeServer): Promise<string> {
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['*'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] },
    {
      apiGroups: [''],
      resources: ['serviceaccounts'],
      resourceNames: ['assay-epoch'],
      verbs: ['get', 'patch'],
    },
  ];
  const subject = { kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE };
  const at = { name: ACCOUNT, namespace: NAMESPACE };
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: at },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'assay-epoch', namespace: NAMESPACE } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: at, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: at,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT },
      subjects: [subject],
    },
  ];
  await kubectl(server, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const token = await kubectl(server, ['create', 'token', ACCOUNT, `--namespace=${NAMESPACE}`]);
  return server.kubeconfigFor(token.trim());
}

/** The chart's policy for that account. */
export async function installEpochPolicy(server: KubeServer): Promise<void> {
  const file = path.join(import.meta.dirname, '../../deploy/helm/assay/files/epoch-policy.yaml');
  const text = (await readFile(file, 'utf8'))
    .replaceAll('{{ .Release.Namespace }}', NAMESPACE)
    .replaceAll('{{ include "assay.servers" . }}', `${NAMESPACE}-servers`)
    .replaceAll('{{ .Values.scheduler.serviceAccount.name }}', ACCOUNT);
  await kubectl(server, ['apply', '-f', '-'], text);
}

export interface Script {
  readonly pid: number;
  /** Every line of JSON that it wrote. */
  readonly said: Record<string, unknown>[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
}

/** A script of test/support in a process of its own that writes lines of JSON. */
export function startScript(name: string, args: readonly string[]): Script {
  // The heap and the allocator as a scheduler is started with.
  const flags = ['--max-semi-space-size=2', '--heap-growing-percent=10'];
  const child = spawn(process.execPath, [...flags, path.join(import.meta.dirname, name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' },
  });
  const said: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) said.push(JSON.parse(line) as Record<string, unknown>);
  });
  const reap = () => child.kill('SIGKILL');
  process.once('exit', reap);
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      process.off('exit', reap);
      resolve(code);
    });
  });
  return { pid: child.pid ?? 0, said, kill: (signal) => void child.kill(signal), ended };
}
