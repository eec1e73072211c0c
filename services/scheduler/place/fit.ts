/** What a model server takes of the node that it runs on. */
export interface Need {
  /** Servers that compete for the same devices: the device's name. A job that waits keeps later ones of its pool waiting. */
  readonly pool: string;
  /** In base units (cores, bytes, pieces), by resource. */
  readonly requests: Readonly<Record<string, number>>;
  /** Labels that the node must have. */
  readonly labels: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
}

export interface Toleration {
  readonly key: string;
  /** Without one the value does not matter. */
  readonly value?: string;
  readonly effect?: string;
}

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** A node as placement sees it. */
export interface NodeRoom {
  readonly name: string;
  /** Why nothing new may come to it; null when it may. */
  readonly closed: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** All that it has for pods, in base units. */
  readonly total: Readonly<Record<string, number>>;
  /** What others leave of it: without what model servers of ours take. */
  readonly free: Readonly<Record<string, number>>;
}

/** What servers of ours take, or will take, of a node. */
export type Taken = Readonly<Record<string, number>>;

/** Why the node will not do, in a few words; null when it will. */
export function obstacle(need: Need, node: NodeRoom, taken: Taken): string | null {
  const shut = closedTo(need, node);
  if (shut !== null) return shut;
  for (const [resource, wanted] of Object.entries(need.requests)) {
    const free = (node.free[resource] ?? 0) - (taken[resource] ?? 0);
    if (free + TINY < wanted)
      return `${amount(resource, Math.max(0, free))} free, ${quantityOf(resource, wanted)} wanted`;
  }
  return null;
}

/** Whether the node would do if nothing at all ran on it. */
export function couldEver(need: Need, node: NodeRoom): boolean {
  if (closedTo(need, { ...node, closed: null }) !== null) return false;
  return Object.entries(need.requests).every(
    ([resource, wanted]) => (node.total[resource] ?? 0) + TINY >= wanted,
  );
}

/** Resources as people write them: `cpu 6`, `tenstorrent.com/n150 1`, `memory 64.0 GiB`. */
export function amount(resource: string, value: number): string {
  return `${resource} ${quantityOf(resource, value)}`;
}

function quantityOf(resource: string, value: number): string {
  const bytes = resource === 'memory' || resource.startsWith('hugepages-');
  return bytes ? `${(value / 1024 ** 3).toFixed(1)} GiB` : String(Number(value.toFixed(3)));
}

// Sums of cores such as 0.1 are not exact.
const TINY = 1e-6;

function closedTo(need: Need, node: NodeRoom): string | null {
  if (node.closed !== null) return node.closed;
  for (const [label, value] of Object.entries(need.labels))
    if (node.labels[label] !== value) return `no label ${label}=${value}`;
  const taint = node.taints.find((candidate) => !need.tolerations.some((one) => tolerates(one, candidate)));
  return taint === undefined ? null : `taint ${taint.key}`;
}

// As kube-scheduler does: PreferNoSchedule keeps nobody away.
function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') return true;
  return (
    toleration.key === taint.key &&
    (toleration.value === undefined || toleration.value === taint.value) &&
    (toleration.effect === undefined || toleration.effect === taint.effect)
  );
}
