import { randomBytes } from 'node:crypto';
import { systemClock as clock } from '@assay/lib/clock';
import type { ModelTarget } from '@assay/lib/domain';
import { CONFIG_MAPS, NODES, PODS, BATCH_JOBS, type KubeClient } from '@assay/lib/kube';
import { createLog } from '@assay/lib/log';
import { kubernetesCluster } from '../../services/scheduler/adapters/kubernetes/kubernetes-cluster.ts';
import { nodeRooms } from '../../services/scheduler/adapters/kubernetes/node-rooms.ts';
import type { PodPlan } from '../../services/scheduler/adapters/kubernetes/pod/plan.ts';
import { reflect } from '../../services/scheduler/adapters/kubernetes/reflector.ts';
import { serverObjects } from '../../services/scheduler/adapters/kubernetes/server-objects.ts';
import { operator } from '../../services/scheduler/adapters/kubernetes/testing/operator.ts';
import { trimJob } from '../../services/scheduler/adapters/kubernetes/trim-job.ts';
import { trimNode } from '../../services/scheduler/adapters/kubernetes/trim-node.ts';
import { trimPod } from '../../services/scheduler/adapters/kubernetes/trim-pod.ts';
import { fencedWriter } from '../../services/scheduler/adapters/kubernetes/writer.ts';
import { devicesOf } from '../../services/scheduler/place/devices.ts';
import type { Cluster } from '../../services/scheduler/ports.ts';
import type { Cluster as Machine } from '../cluster/cluster.ts';
import { clientFor } from './kube-world.ts';

const log = createLog({ service: 'test', level: 'silent', pretty: false });
const SERVICE_IMAGE = 'assay/service:0.1.0';

/** A server of the OpenAI API in one argument: it lists `model`, and says yes. */
const PROGRAM = `
const [, model] = process.argv;
const send = (response, value) => response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
require('node:http').createServer((request, response) => {
  if (request.url === '/v1/models') send(response, { object: 'list', data: [{ id: model, object: 'model', max_model_len: 8192 }] });
  else send(response, { choices: [{ text: 'a' }] });
}).listen(8000, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
`;

/** Model servers as pods of a namespace of their own, as a leader looks after them. */
export interface KubeServers {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly client: KubeClient;
  /** Asks for a server as the scheduling cycle does: a node is chosen when there is none. */
  ensure(key: string, target: ModelTarget): void;
  pods(): Promise<readonly string[]>;
  /** Another leader over the same pods. */
  again(): Promise<Cluster>;
  close(): Promise<void>;
}

export interface KubeServersOptions {
  readonly machine: Machine;
  readonly planOf?: (target: ModelTarget) => PodPlan;
  readonly operator?: Readonly<Record<string, unknown>>;
}

export async function openKubeServers(options: KubeServersOptions): Promise<KubeServers> {
  const { machine } = options;
  const namespace = `assay-test-${randomBytes(4).toString('hex')}`;
  await machine.kubectl(['create', 'namespace', namespace]);
  await machine.kubectl(['create', 'serviceaccount', 'assay-model-server', '-n', namespace]);
  const { client, metrics } = await clientFor(machine.kubeconfig);
  const anchor = await client.apply(CONFIG_MAPS, { metadata: { namespace, name: 'assay-anchor' } });
  const by = await operator({ namespace, service_image: SERVICE_IMAGE, ...options.operator });
  const stop = new AbortController();
  const common = { client, metrics, clock, log };
  const pods = reflect({ ...common, resource: PODS, trim: trimPod }, stop.signal);
  const nodes = reflect({ ...common, resource: NODES, trim: trimNode }, stop.signal);
  const jobs = reflect(
    { ...common, resource: BATCH_JOBS, trim: trimJob, select: { namespace } },
    stop.signal,
  );
  await Promise.all([pods.synced, nodes.synced, jobs.synced]);
  const { rooms } = nodeRooms({ nodes, pods, dra: null, namespace, devices: [] });
  const writer = fencedWriter(client, { epoch: 1, guard: () => undefined });
  const open = () =>
    kubernetesCluster({
      pods,
      jobs,
      rooms,
      objects: serverObjects(client, writer, namespace),
      operator: by,
      anchor: { name: 'assay-anchor', uid: anchor.metadata.uid ?? '' },
      planOf: options.planOf ?? ((target) => scriptedPlan(target.model)),
      clock,
      log,
    });
  const cluster = open();
  const others: Cluster[] = [];
  return {
    cluster,
    namespace,
    client,
    ensure: (key, target) => ask(cluster, key, target),
    async pods() {
      const { items } = await client.list(PODS, { namespace, limit: 500 });
      return items
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map((pod) => pod.metadata.name);
    },
    async again() {
      const other = open();
      others.push(other);
      return other;
    },
    async close() {
      await Promise.all([cluster, ...others].map((each) => each.close()));
      stop.abort();
      await Promise.all([pods.done, nodes.done, jobs.done]);
      await machine.kubectl(['delete', 'namespace', namespace, '--wait=false', '--now']);
      client.close();
    },
  };
}

/** One step of what the cycle does for a job that has its place. */
function ask(cluster: Cluster, key: string, target: ModelTarget): void {
  const need = cluster.need(target);
  const servers = cluster.housed().map((server) => ({ ...server, idleSinceMs: null }));
  const devices = devicesOf(cluster.nodes(), servers, [{ server: key, need }]);
  cluster.ensure({
    key,
    target,
    node: devices.chosen.get(key) ?? null,
    waits: devices.homeless.get(key) ?? '',
  });
}

export function scriptedPlan(lists: string, over: Partial<PodPlan> = {}): PodPlan {
  return {
    modelId: 'wanted',
    device: 'cpu',
    image: SERVICE_IMAGE,
    command: [],
    args: ['-e', PROGRAM, lists],
    env: {},
    runtimeSpec: null,
    contextLength: 8_192,
    ceiling: 4,
    claim: { type: 'node_selector', labels: {} },
    requests: { cpu: '10m', memory: '32Mi' },
    limits: { memory: '256Mi' },
    hugepages: null,
    hostIpc: false,
    sharedMemory: null,
    tolerations: [],
    weights: null,
    budgets: { startMs: 60_000, pullMs: 60_000, stallMs: 30_000, settleMs: 0 },
    ...over,
  };
}
