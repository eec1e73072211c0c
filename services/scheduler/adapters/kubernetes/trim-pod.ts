import { quantity } from './quantity.ts';
import type { KubeObject } from '@assay/lib/kube';
import { versionOf, type Trimmed } from './trimmed.ts';

/** Of a pod that somebody else runs: what it takes from its node. */
export interface PodLoad extends Trimmed {
  readonly node: string;
  readonly phase: string;
  /** In base units: cores, bytes, pieces. */
  readonly requests: Readonly<Record<string, number>>;
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** Since when it is so, ISO 8601. */
  readonly since: string;
}

/** Of one container: where it is, and how it ended the last time. */
export interface ContainerState {
  readonly name: string;
  readonly ready: boolean;
  /** Its start-up probe has passed. */
  readonly started: boolean;
  /** Since when it runs, ISO 8601; null while it does not. */
  readonly runningSince: string | null;
  readonly restarts: number;
  readonly imageId: string;
  /** Why it does not run, such as ImagePullBackOff or OOMKilled; empty while it does. */
  readonly reason: string;
  readonly message: string;
  readonly exitCode: number | null;
  readonly lastReason: string;
  readonly lastExitCode: number | null;
  /** What it left to be read when it ended: its termination log, or its last lines. */
  readonly lastMessage: string;
}

/** Of a pod of ours: what tells how it is doing. */
export interface OwnPod extends PodLoad {
  readonly labels: Readonly<Record<string, string>>;
  /** Those under assay.dev/ alone. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly createdAt: string;
  readonly deleting: boolean;
  readonly conditions: readonly PodCondition[];
  readonly containers: readonly ContainerState[];
}

export type Pod = PodLoad | OwnPod;

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const OURS = 'assay';

export function isOwn(pod: Pod): pod is OwnPod {
  return 'containers' in pod;
}

export function trimPod(object: KubeObject): Pod {
  const { metadata, spec, status } = object as RawPod;
  const load: PodLoad = {
    ...versionOf(metadata),
    node: spec?.nodeName ?? '',
    phase: status?.phase ?? '',
    requests: requestsOf(spec ?? {}),
  };
  if (metadata.labels?.[MANAGED_BY] !== OURS) return load;
  return {
    ...load,
    labels: metadata.labels,
    annotations: Object.fromEntries(
      Object.entries(metadata.annotations ?? {}).filter(([name]) => name.startsWith('assay.dev/')),
    ),
    ip: status?.podIP ?? '',
    createdAt: metadata.creationTimestamp ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    conditions: (status?.conditions ?? []).map((condition) => ({
      type: condition.type,
      status: condition.status,
      reason: condition.reason ?? '',
      message: condition.message ?? '',
      since: condition.lastTransitionTime ?? '',
    })),
    containers: [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].map(stateOf),
  };
}

/**
 * As kube-scheduler counts: the containers together with the side-cars, or the largest step of the start when that is
 * more, and the pod's overhead.
 */
function requestsOf({
  containers = [],
  initContainers = [],
  overhead = {},
}: RawSpec): Record<string, number> {
  const total = sum(containers.map((container) => container.resources?.requests ?? {}));
  let sidecars: Record<string, number> = {};
  const steps: Record<string, number>[] = [];
  for (const { restartPolicy, resources } of initContainers) {
    const step = sum([sidecars, resources?.requests ?? {}]);
    if (restartPolicy === 'Always') sidecars = step;
    steps.push(step);
  }
  const most = sum([total, sidecars]);
  for (const step of steps) {
    for (const [name, amount] of Object.entries(step)) most[name] = Math.max(most[name] ?? 0, amount);
  }
  return sum([most, overhead]);
}

function sum(all: readonly Readonly<Record<string, string | number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of all) {
    for (const [name, amount] of Object.entries(one)) total[name] = (total[name] ?? 0) + quantity(amount);
  }
  return total;
}

function stateOf({
  name,
  ready,
  started,
  restartCount,
  imageID,
  state,
  lastState,
}: RawContainer): ContainerState {
  const now = state?.waiting ?? state?.terminated;
  return {
    name,
    ready: ready ?? false,
    started: started ?? false,
    runningSince: state?.running?.startedAt ?? null,
    restarts: restartCount ?? 0,
    imageId: imageID ?? '',
    reason: now?.reason ?? '',
    message: now?.message ?? '',
    exitCode: state?.terminated?.exitCode ?? null,
    lastReason: lastState?.terminated?.reason ?? '',
    lastExitCode: lastState?.terminated?.exitCode ?? null,
    lastMessage: lastState?.terminated?.message ?? '',
  };
}

interface RawSpec {
  readonly nodeName?: string;
  readonly overhead?: Readonly<Record<string, string>>;
  readonly containers?: readonly RawRequests[];
  readonly initContainers?: readonly RawRequests[];
}

interface RawRequests {
  readonly restartPolicy?: string;
  readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
}

interface RawContainer {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly restartCount?: number;
  readonly imageID?: string;
  readonly state?: RawState;
  readonly lastState?: RawState;
}

interface RawState {
  readonly running?: { readonly startedAt?: string };
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly message?: string; readonly exitCode?: number };
}

interface RawPod extends KubeObject {
  readonly spec?: RawSpec;
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly initContainerStatuses?: readonly RawContainer[];
    readonly containerStatuses?: readonly RawContainer[];
  };
}
