import type { Catalog } from '@assay/lib/catalog';
import type { Clock } from '@assay/lib/clock';
import type { ModelTarget } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import {
  BATCH_JOBS,
  CONFIG_MAPS,
  DEVICE_CLASSES,
  isStatus,
  NODES,
  openAccess,
  openKubeClient,
  PODS,
  RESOURCE_CLAIMS,
  RESOURCE_SLICES,
  type KubeClient,
  type KubeObject,
  type Resource,
} from '@assay/lib/kube';
import type { Log } from '@assay/lib/log';
import type { KubeMetrics } from '../../metrics.ts';
import type { Home } from '../home.ts';
import { leaseElection } from './election.ts';
import { endpointSecrets } from './endpoint-secrets.ts';
import { epochInForce, raiseEpoch } from './epoch.ts';
import { kubernetesCluster } from './kubernetes-cluster.ts';
import { kubeLease } from './lease.ts';
import { nodeRooms } from './node-rooms.ts';
import { COMPONENT, MANAGED_BY, WEIGHTS } from './pod/names.ts';
import type { DraClaim } from './pod/need.ts';
import { planOf } from './pod/plan.ts';
import { reflect, type Reflector } from './reflector.ts';
import { secretKeys } from './server-keys.ts';
import { serverObjects } from './server-objects.ts';
import { readServersFile, type Operator } from './servers-file.ts';
import { trimClaim, trimSlice } from './trim-dra.ts';
import { trimJob } from './trim-job.ts';
import { trimNode } from './trim-node.ts';
import { trimPod } from './trim-pod.ts';
import type { Trimmed } from './trimmed.ts';
import { fencedWriter } from './writer.ts';

export interface OpenKubernetes {
  readonly serversFile: string;
  readonly kubeconfig?: string;
  /** Where the Lease and the epoch are; by default the namespace of the credentials. */
  readonly namespace?: string;
  readonly rate: { readonly qps: number; readonly burst: number };
  readonly catalog: Catalog;
  readonly metrics: KubeMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** A Kubernetes cluster: model servers are pods, keys are Secrets, and a Lease says who leads. */
export async function kubernetesHome(options: OpenKubernetes): Promise<Home> {
  const { catalog, metrics, clock, log, stop, rate, kubeconfig } = options;
  const operator = await readServersFile(options.serversFile);
  const access = await openAccess({ clock, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
  const namespace = options.namespace ?? access.namespace ?? 'default';
  const client = openKubeClient({ access, rate, metrics });
  const anchor = await anchorOf(client, operator);
  const watching = <T extends Trimmed>(
    resource: Resource,
    trim: (object: KubeObject) => T,
    select = {},
  ): Reflector<T> => reflect({ client, resource, trim, select, metrics, clock, log }, stop);

  const labelSelector = `${Object.entries(MANAGED_BY)[0]?.join('=')},${COMPONENT}=${WEIGHTS}`;
  const pods = watching(PODS, trimPod);
  const nodes = watching(NODES, trimNode);
  const jobs = watching(BATCH_JOBS, trimJob, { namespace: operator.namespace, labelSelector });
  const devices = catalog.devices.flatMap(({ pod }) => (pod?.claim === 'dra' ? [draOf(pod.claims.dra)] : []));
  const dra = (await servesDra(client, devices))
    ? { slices: watching(RESOURCE_SLICES, trimSlice), claims: watching(RESOURCE_CLAIMS, trimClaim) }
    : null;
  const reflectors = [pods, nodes, jobs, ...(dra === null ? [] : [dra.slices, dra.claims])];
  // What cannot be watched is tried again for ever; a scheduler that has not seen all must not lead.
  await Promise.race([Promise.all(reflectors.map(({ synced }) => synced)), aborted(stop)]);
  const rooms = nodeRooms({ nodes, pods, dra, namespace: operator.namespace, devices });
  const epoch = () => epochInForce(client, namespace, stop);
  const keys = secretKeys(client, operator.namespace);
  const plan = (target: ModelTarget) => planOf(catalog, operator, target);

  return {
    secrets: endpointSecrets({ client, namespace: operator.namespace, anchor, epoch }),
    key: (name) => keys.read(name, stop),
    answersKeys: true,
    devicesOf: ({ devices: named, servers }) =>
      named.filter((device) => servers[device] !== undefined && catalog.device(device)?.pod !== undefined),
    makingOf: plan,
    election: ({ holder, stored, lead }) =>
      leaseElection({
        store: kubeLease(client, { namespace, name: 'assay-scheduler' }),
        holder,
        clock,
        log,
        floor: async (signal) => Math.max(await epochInForce(client, namespace, signal), stored()),
        async lead(leadership) {
          const { epoch: own, guard, lost } = leadership;
          const until = AbortSignal.any([lost, stop]);
          await raiseEpoch({ client, namespace, epoch: own, guard, clock, signal: until });
          const writer = fencedWriter(client, leadership);
          const objects = serverObjects(client, writer, operator.namespace);
          const cluster = kubernetesCluster({
            pods,
            jobs,
            rooms: rooms.rooms,
            objects,
            operator,
            anchor,
            planOf: plan,
            clock,
            log,
          });
          try {
            await lead({ epoch: own, lost, cluster });
          } finally {
            await cluster.close();
          }
        },
      }),
    async close() {
      rooms.close();
      client.close();
    },
  };
}

async function anchorOf(client: KubeClient, { namespace, anchor: name }: Operator) {
  const found = await client.get(CONFIG_MAPS, { namespace, name });
  if (found?.metadata.uid !== undefined) return { name, uid: found.metadata.uid };
  throw new AssayError(
    'NOT_FOUND',
    `there is no ConfigMap ${name} in namespace ${namespace}, which owns what is created there; the chart makes it`,
  );
}

/** Whether devices that claims ask for can be had here; what the cluster does not serve is said once, and shows as a device that no node has. */
async function servesDra(client: KubeClient, devices: readonly DraClaim[]): Promise<boolean> {
  if (devices.length === 0) return false;
  try {
    await client.list(DEVICE_CLASSES, { limit: 1 });
    return true;
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    throw new AssayError(
      'CLUSTER_REFUSED',
      'the cluster does not serve resource.k8s.io/v1, and the catalog claims devices by dra: it needs Kubernetes 1.34, or claim: extended_resource for those devices',
      { cause: error },
    );
  }
}

function draOf(
  dra: { device_class: string; count: number; attributes: Record<string, readonly string[]> } | undefined,
): DraClaim {
  const { device_class: deviceClass = '', count = 1, attributes = {} } = dra ?? {};
  return { type: 'dra', deviceClass, count, attributes };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
