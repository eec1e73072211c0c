import type { NodeRoom } from '../../place/fit.ts';
import { draResource, type DraClaim } from './pod/need.ts';
import { COMPONENT, MODEL_SERVER } from './pod/names.ts';
import type { Reflector } from './reflector.ts';
import { deviceId, type DeviceSlice, type HeldClaim } from './trim-dra.ts';
import type { Node } from './trim-node.ts';
import { isOwn, type Pod } from './trim-pod.ts';

export interface RoomSources {
  readonly nodes: Pick<Reflector<Node>, 'get' | 'values' | 'onChange'>;
  readonly pods: Pick<Reflector<Pod>, 'get' | 'values' | 'keys' | 'onChange'>;
  /** Null where the cluster does not serve them. */
  readonly dra: {
    readonly slices: Pick<Reflector<DeviceSlice>, 'values' | 'onChange'>;
    readonly claims: Pick<Reflector<HeldClaim>, 'values' | 'onChange'>;
  } | null;
  /** Where model servers of ours run: what those take is not counted here. */
  readonly namespace: string;
  /** The kinds of devices that claims of the catalog ask for. */
  readonly devices: readonly DraClaim[];
}

/** What each node has, and what pods that are no model servers of ours leave of it. Costs what changed. */
export function nodeRooms(sources: RoomSources): { rooms(): readonly NodeRoom[]; close(): void } {
  const { nodes, pods, dra, namespace } = sources;
  const loads = new Map<string, Record<string, number>>();
  const counted = new Map<string, Pod>();
  let made: readonly NodeRoom[] | null = null;

  const isServer = (pod: Pod) =>
    pod.namespace === namespace && isOwn(pod) && pod.labels[COMPONENT] === MODEL_SERVER;
  const counts = (pod: Pod) =>
    pod.node !== '' && pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && !isServer(pod);

  function put(pod: Pod, sign: 1 | -1): void {
    const load = loads.get(pod.node) ?? {};
    loads.set(pod.node, load);
    load['pods'] = (load['pods'] ?? 0) + sign;
    for (const [name, amount] of Object.entries(pod.requests)) load[name] = (load[name] ?? 0) + sign * amount;
  }

  function count(key: string): void {
    const before = counted.get(key);
    if (before !== undefined) put(before, -1);
    counted.delete(key);
    const pod = pods.get(key);
    if (pod === undefined || !counts(pod)) return;
    put(pod, 1);
    counted.set(key, pod);
  }

  const stale = () => {
    made = null;
  };
  const stops = [
    nodes.onChange(stale),
    pods.onChange((key) => {
      count(key);
      stale();
    }),
    ...(dra === null ? [] : [dra.slices.onChange(stale), dra.claims.onChange(stale)]),
  ];
  for (const key of pods.keys()) count(key);

  function build(): readonly NodeRoom[] {
    const devices = devicesByNode(sources);
    return [...nodes.values()].map((node) => {
      const load = loads.get(node.name) ?? {};
      const offered = devices.get(node.name) ?? { total: {}, free: {} };
      const free = Object.entries(node.allocatable).map(([name, amount]) => [
        name,
        amount - (load[name] ?? 0),
      ]);
      return {
        name: node.name,
        closed: closedOf(node),
        labels: node.labels,
        taints: node.taints,
        total: { ...node.allocatable, ...offered.total },
        free: { ...Object.fromEntries(free), ...offered.free },
      };
    });
  }

  return {
    rooms: () => (made ??= build()),
    close: () => stops.forEach((stop) => stop()),
  };
}

function closedOf(node: Node): string | null {
  if (!node.ready) return 'not ready';
  return node.unschedulable ? 'cordoned' : null;
}

interface Offered {
  readonly total: Record<string, number>;
  readonly free: Record<string, number>;
}

function devicesByNode({ dra, devices, namespace }: RoomSources): ReadonlyMap<string, Offered> {
  const offered = new Map<string, Offered>();
  if (dra === null || devices.length === 0) return offered;
  const held = new Set<string>();
  for (const claim of dra.claims.values()) {
    const ours = claim.namespace === namespace && claim.pod.startsWith('server-');
    if (!ours) for (const device of claim.devices) held.add(device);
  }
  for (const { node, driver, pool, devices: there } of dra.slices.values()) {
    if (node === '') continue;
    const sums = offered.get(node) ?? { total: {}, free: {} };
    offered.set(node, sums);
    for (const wanted of devices) {
      // By convention a driver's class has its name; a class of another name is told by its attributes alone.
      const matching = there.filter(({ attributes }) =>
        Object.entries(wanted.attributes).every(([name, values]) => values.includes(attributes[name] ?? '')),
      );
      const resource = draResource(wanted);
      if (driver !== wanted.deviceClass && Object.keys(wanted.attributes).length === 0) continue;
      const free = matching.filter(({ name }) => !held.has(deviceId(driver, pool, name)));
      sums.total[resource] = (sums.total[resource] ?? 0) + matching.length;
      sums.free[resource] = (sums.free[resource] ?? 0) + free.length;
    }
  }
  return offered;
}
