import type { KubeObject, Metadata } from '@assay/lib/kube';
import type { Operator } from '../servers-file.ts';
import {
  COMPONENT,
  keyName,
  MANAGED_BY,
  MODEL_SERVER,
  NEED_ANNOTATION,
  NODE_ANNOTATION,
  PROGRESS_PORT,
  SERVER_CONTAINER,
  SERVER_LABEL,
  SERVER_PORT,
  serverName,
  WATCH_CONTAINER,
} from './names.ts';
import { needOf, WATCH_LIMITS, WATCH_REQUESTS } from './need.ts';
import { WEIGHTS_FOLDER, type Claim, type PodPlan } from './plan.ts';
import { ground } from './ground.ts';
import { cacheVolume, ownership, weightsVolume, type Volume } from './storage.ts';

/** The object that owns what is created: its deletion takes all of it along. */
export interface Anchor {
  readonly name: string;
  readonly uid: string;
}

export interface Rendering {
  readonly key: string;
  readonly plan: PodPlan;
  readonly operator: Operator;
  readonly anchor: Anchor;
}

const CACHE_ROOT = '/home/container_app_user/cache_root';
const SPEC_FOLDER = '/etc/assay';
const SPEC_FILE = 'runtime-spec.json';
const PROBE_S = 5;
/** The container beside the server holds it back for as long as weights are fetched; the job has limits of its own. */
const WEIGHTS_PROBES = 1_000_000;
const CONFINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

/** Bare metadata of an object of the server. */
export function metadataOf({ key, operator, anchor }: Rendering, name: string): Metadata {
  return {
    name,
    namespace: operator.namespace,
    labels: { ...MANAGED_BY, [COMPONENT]: MODEL_SERVER, [SERVER_LABEL]: key },
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: anchor.name, uid: anchor.uid }],
  };
}

/** What requests to the server must bear. */
export function keySecretOf(rendering: Rendering, apiKey: string): KubeObject {
  const metadata = metadataOf(rendering, keyName(rendering.key));
  return { metadata, type: 'Opaque', stringData: { key: apiKey } };
}

/** The runtime spec; null when the server needs none. */
export function configMapOf(rendering: Rendering): KubeObject | null {
  const { plan, key } = rendering;
  if (plan.runtimeSpec === null) return null;
  const data = { [SPEC_FILE]: `${JSON.stringify(plan.runtimeSpec, null, 2)}\n` };
  return { metadata: metadataOf(rendering, serverName(key)), data };
}

/** The template of the claim for its devices; null when it has none. */
export function claimTemplateOf(rendering: Rendering): KubeObject | null {
  const { claim } = rendering.plan;
  if (claim.type !== 'dra') return null;
  const expressions = Object.entries(claim.attributes).map(([name, values]) => {
    const attribute = `device.attributes[device.driver].${name}`;
    return `${attribute} in ${JSON.stringify(values)}`;
  });
  const exactly = {
    deviceClassName: claim.deviceClass,
    allocationMode: 'ExactCount',
    count: claim.count,
    ...(expressions.length === 0
      ? {}
      : { selectors: expressions.map((expression) => ({ cel: { expression } })) }),
  };
  return {
    metadata: metadataOf(rendering, serverName(rendering.key)),
    spec: { spec: { devices: { requests: [{ name: 'device', exactly }] } } },
  };
}

/** The pod of a model server, bound to the node that was chosen for it. */
export function podOf(rendering: Rendering, node: string): KubeObject {
  const { key, plan, operator } = rendering;
  const metadata = metadataOf(rendering, serverName(key));
  const weights = weightsVolume(plan, operator, true);
  const cache = cacheVolume(key, operator);
  const need = needOf(plan, operator);
  const cacheMount = { name: 'cache', ...(cache.subPath === undefined ? {} : { subPath: cache.subPath }) };
  const weightsMount =
    weights === null ? [] : [{ name: 'weights', mountPath: WEIGHTS_FOLDER, readOnly: true }];
  const mounts = { cacheMount, weightsMount, weightsFolder: weights?.folder ?? null };
  const volumes: Volume[] = [
    cache.volume,
    { name: 'tmp', emptyDir: {} },
    ...(weights === null ? [] : [weights.volume]),
    ...(plan.runtimeSpec === null ? [] : [{ name: 'spec', configMap: { name: serverName(key) } }]),
    ...(plan.sharedMemory === null
      ? []
      : [{ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: plan.sharedMemory } }]),
    ...(plan.hugepages === null ? [] : [{ name: 'hugepages', emptyDir: { medium: 'HugePages-1Gi' } }]),
  ];
  return {
    metadata: {
      ...metadata,
      annotations: { [NEED_ANNOTATION]: JSON.stringify(need), [NODE_ANNOTATION]: node },
    },
    spec: {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      ...ground(operator),
      ...(plan.hostIpc ? { hostIPC: true } : {}),
      ...(operator.priorityClass === undefined ? {} : { priorityClassName: operator.priorityClass }),
      affinity: onNode(node),
      ...(Object.keys(need.labels).length === 0 ? {} : { nodeSelector: need.labels }),
      ...(need.tolerations.length === 0
        ? {}
        : {
            tolerations: need.tolerations.map((one) => ({
              ...one,
              operator: one.value === undefined ? 'Exists' : 'Equal',
            })),
          }),
      ...(plan.claim.type === 'dra'
        ? { resourceClaims: [{ name: 'device', resourceClaimTemplateName: serverName(key) }] }
        : {}),
      initContainers: [
        ...(operator.cache.type === 'node'
          ? [ownership(operator, 'own', [{ name: 'cache', mountPath: '/cache' }])]
          : []),
        watchContainer(rendering, mounts),
      ],
      containers: [serverContainer(rendering, mounts)],
      volumes,
    },
  };
}

interface Mounts {
  readonly cacheMount: object;
  readonly weightsMount: readonly object[];
  readonly weightsFolder: string | null;
}

/** Beside the server: holds it back until its weights are there, and tells how its cache grows. */
function watchContainer({ plan, operator }: Rendering, mounts: Mounts): object {
  const { cacheMount, weightsMount, weightsFolder } = mounts;
  return {
    name: WATCH_CONTAINER,
    image: operator.serviceImage,
    imagePullPolicy: operator.pullPolicy,
    args: ['--max-semi-space-size=1', '--max-old-space-size=32', 'services/scheduler/inside/watch.ts'],
    restartPolicy: 'Always',
    env: envOf({
      ...(plan.weights?.type === 'hub' && weightsFolder !== null
        ? { ASSAY_WATCH_WEIGHTS: weightsFolder }
        : {}),
      ASSAY_WATCH_CACHE: '/cache',
    }),
    ports: [{ name: 'progress', containerPort: PROGRESS_PORT }],
    resources: { requests: WATCH_REQUESTS, limits: WATCH_LIMITS },
    securityContext: { ...CONFINED, readOnlyRootFilesystem: true },
    startupProbe: {
      httpGet: { path: '/started', port: 'progress' },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: WEIGHTS_PROBES,
    },
    volumeMounts: [...weightsMount, { ...cacheMount, mountPath: '/cache', readOnly: true }],
  };
}

function serverContainer({ key, plan, operator }: Rendering, mounts: Mounts): object {
  const { cacheMount, weightsMount, weightsFolder } = mounts;
  return {
    name: SERVER_CONTAINER,
    image: plan.image,
    imagePullPolicy: operator.pullPolicy,
    ...(plan.command.length === 0 ? {} : { command: plan.command }),
    ...(plan.args.length === 0 ? {} : { args: plan.args }),
    env: [
      ...envOf({
        CACHE_ROOT,
        HOME: '/tmp',
        HF_HUB_OFFLINE: '1',
        ...(weightsFolder === null ? {} : { MODEL_WEIGHTS_DIR: weightsFolder }),
        ...(plan.runtimeSpec === null ? {} : { RUNTIME_MODEL_SPEC_JSON_PATH: `${SPEC_FOLDER}/${SPEC_FILE}` }),
        ...plan.env,
      }),
      { name: 'VLLM_API_KEY', valueFrom: { secretKeyRef: { name: keyName(key), key: 'key' } } },
    ],
    ports: [{ name: 'http', containerPort: SERVER_PORT }],
    resources: resourcesOf(plan),
    securityContext: CONFINED,
    // What it last said is all that is needed to know why it ended: nobody may read logs.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    startupProbe: {
      ...health(),
      failureThreshold: Math.ceil(plan.budgets.startMs / 1_000 / PROBE_S),
    },
    readinessProbe: { ...health(), failureThreshold: 3 },
    livenessProbe: { ...health(), periodSeconds: 30, failureThreshold: 3 },
    volumeMounts: [
      { ...cacheMount, mountPath: CACHE_ROOT },
      { name: 'tmp', mountPath: '/tmp' },
      ...weightsMount,
      ...(plan.runtimeSpec === null ? [] : [{ name: 'spec', mountPath: SPEC_FOLDER, readOnly: true }]),
      ...(plan.sharedMemory === null ? [] : [{ name: 'shm', mountPath: '/dev/shm' }]),
      ...(plan.hugepages === null ? [] : [{ name: 'hugepages', mountPath: '/dev/hugepages-1G' }]),
    ],
  };
}

/** Only this node will do. */
export function onNode(node: string): object {
  const byName = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const required = { nodeSelectorTerms: [{ matchFields: byName }] };
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
}

function health(): object {
  return { httpGet: { path: '/health', port: 'http' }, periodSeconds: PROBE_S, timeoutSeconds: 5 };
}

export function envOf(values: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

function resourcesOf({ requests, limits, hugepages, claim }: PodPlan): object {
  const device = deviceOf(claim);
  const pages: Record<string, string> = hugepages === null ? {} : { 'hugepages-1Gi': hugepages };
  const both = { ...device, ...pages };
  return {
    requests: { ...requests, ...both },
    ...(Object.keys({ ...limits, ...both }).length === 0 ? {} : { limits: { ...limits, ...both } }),
    ...(claim.type === 'dra' ? { claims: [{ name: 'device' }] } : {}),
  };
}

function deviceOf(claim: Claim): Readonly<Record<string, string>> {
  return claim.type === 'extended_resource' ? { [claim.resource]: String(claim.count) } : {};
}
