import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { execute } from '../cluster/execute.ts';
import { assayProcess, type Ended } from './assay-process.ts';
import { CHART } from './chart.ts';
import type { DockerEngine } from './docker.ts';
import { startHub, type Hub } from './hub.ts';
import { HOME } from './stack.ts';

export const NAMESPACE = 'assay-e2e';
export const SERVERS = `${NAMESPACE}-servers`;
export const SANDBOXES = `${NAMESPACE}-sandboxes`;
const IMAGES = ['service', 'sandbox', 'cpu-server', 'nats', 'postgres'];
/** This machine, as the nodes of its cluster see it. */
const HOST = '10.89.0.1';

/** Builds every image from Debian packages and loads it into every node. */
export async function loadImages(cluster: Cluster, engine: DockerEngine): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-images-'));
  try {
    const build = [process.execPath, 'deploy/images/build.ts', '--packages', '--save', folder, ...IMAGES];
    await execute(['env', '-C', HOME, ...build], { ...cluster.env, ...engine.env });
    await Promise.all(IMAGES.map((name) => cluster.loadImage(path.join(folder, `${name}.tar`))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A hub that has the demo's model, as pods reach it. */
export async function demoHub(): Promise<Hub> {
  const models = path.join(HOME, '.assay/models');
  const file = (await readdir(models)).find((name) => name.endsWith('.gguf'));
  if (file === undefined) throw new Error(`there is no model in ${models}: npm run demo fetches it`);
  const files = { [file]: await readFile(path.join(models, file)) };
  return startHub({ repo: 'assay/demo', revision: 'main', files, large: [], host: '0.0.0.0' });
}

export type ClaimMode = 'extended_resource' | 'dra';

/**
 * The values of a first try on a cluster without hardware: the demo's model on boards that are only counted, served by an
 * image that honours their contract. The overlay of `requests`, `hugepages_1gi` and `host_ipc` is the documented one.
 */
export function valuesOf(hub: Hub, claim: ClaimMode, scripted: string): object {
  const port = Number(new URL(hub.url).port);
  return {
    servers: {
      images: { 'assay/cpu-server': 'assay/cpu-server:0.1.0' },
      hub: { url: `http://${HOST}:${port}`, port, peers: [{ ipBlock: { cidr: `${HOST}/32` } }] },
      cache: { size: '2Gi' },
      allow: { images: [scripted] },
    },
    monitoring: { enabled: false },
    catalog: {
      devices: {
        n150: {
          pod: {
            claim,
            requests: { cpu: '500m', memory: '512Mi' },
            limits: { memory: '1Gi' },
            hugepages_1gi: null,
            host_ipc: false,
          },
        },
      },
      models: {
        scripted: {
          name: 'scripted',
          description: 'Answers by a script, each after a pause.',
          license: 'Apache-2.0',
          model_id: 'scripted',
          context_length: 4096,
          devices: ['cpu'],
          servers: {
            cpu: {
              image: scripted,
              args: ['/app/model-server.ts', '--keep', '--host', '0.0.0.0', '--port', '8000'].concat([
                '--script',
                '/app/fault-answers.ts',
              ]),
              env: { BEHAVIOUR: JSON.stringify({ model: 'scripted', delayMs: 700 }) },
              ceiling: 24,
              settle: '1s',
            },
          },
        },
        'smollm2-135m-instruct': {
          devices: ['cpu', 'n150'],
          weights: { image: null, hub: 'assay/demo', revision: 'main' },
          servers: {
            n150: {
              image: 'assay/cpu-server',
              args: ['--model', '{model_id}', '--tt-device', '{device}'],
              runtime_spec: {
                hf_model_repo: 'smollm2-135m-instruct',
                device_type: 'N150',
                device_model_spec: { device: 'N150', max_context: 2048 },
              },
              ceiling: 2,
              start_timeout: '10m',
              settle: '5s',
            },
          },
        },
      },
    },
  };
}

/** `helm install` or `upgrade`, until all of it is ready. */
export async function helm(
  cluster: Cluster,
  verb: 'install' | 'upgrade',
  values: object,
  more: readonly string[] = [],
): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-values-'));
  try {
    const file = path.join(folder, 'values.yaml');
    await writeFile(file, stringify(values));
    const wait = ['--namespace', NAMESPACE, '--create-namespace', '--wait', '--timeout', '300s'];
    return await execute(['helm', verb, 'assay', CHART, '--values', file, ...wait, ...more], cluster.env);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Waits until one scheduler is left: an old one may place a job as the old catalog says for as long as it leads. */
export async function oneScheduler(cluster: Cluster): Promise<void> {
  const mine = ['-n', NAMESPACE, '-l', 'app.kubernetes.io/component=scheduler', '-o', 'name'];
  for (const until = Date.now() + 90_000; ;) {
    const pods = (await cluster.kubectl(['get', 'pods', ...mine])).trim().split('\n');
    if (pods.length === 1) return;
    if (Date.now() > until) throw new Error(`still ${String(pods.length)} schedulers`);
    await sleep(500);
  }
}

/** A namespace with a service account that may do everything with its jobs; gives `assay` as that account. */
export async function tenant(
  cluster: Cluster,
  namespace: string,
): Promise<(...args: readonly string[]) => Promise<Ended>> {
  const k = (...args: string[]) => cluster.kubectl([...args, '--namespace', namespace]);
  await cluster.kubectl(['create', 'namespace', namespace]);
  await k('create', 'serviceaccount', 'user');
  const rules = [{ apiGroups: ['assay'], resources: ['jobs'], verbs: ['*'] }];
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'jobs', namespace },
    rules,
  };
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(role));
  await k('create', 'rolebinding', 'jobs', '--role=jobs', `--serviceaccount=${namespace}:user`);
  const context = (await cluster.kubectl(['config', 'current-context'])).trim();
  const reach = ['--kube-context', context, '--kube-namespace', NAMESPACE];
  const who = ['--kube-service-account', `${namespace}/user`];
  return (...args) => assayProcess([...args, ...reach, ...who], { KUBECONFIG: cluster.kubeconfig }).ended;
}
