import { amount, couldEver, obstacle, type Need, type NodeRoom, type Taken } from './fit.ts';

/** A model server that runs, starts, or waits for a node. */
export interface PlacedServer {
  readonly key: string;
  /** What it takes; null when that is nothing of ours. */
  readonly need: Need | null;
  /** Null while none was chosen. */
  readonly node: string | null;
  /** Nodes that turned it away lately. */
  readonly avoid: readonly string[];
  /** Since when no job uses it; null while one does. */
  readonly idleSinceMs: number | null;
}

export type DeviceWait = {
  readonly reason: 'DEVICE_ABSENT' | 'DEVICE_BUSY' | 'JOBS_AHEAD';
  readonly detail: string;
};

interface Wanted {
  readonly server: string;
  readonly need: Need | null;
}

/** Room on nodes for model servers, taken one after another. */
export interface Devices {
  /** Gives the server a node if it has none; says why not otherwise. A job waits behind one that waits for its pool. */
  take(wanted: Wanted): DeviceWait | null;
  /** Why servers of jobs that have their place already still have no node, by server. */
  readonly homeless: ReadonlyMap<string, string>;
  /** The nodes chosen here, by server. */
  readonly chosen: ReadonlyMap<string, string>;
  /** Idle servers that must stop so that those fit. */
  readonly evicted: ReadonlySet<string>;
  /** Servers that a job uses or was given. */
  readonly used: ReadonlySet<string>;
}

/** Servers that `active` jobs use stay, and come first where they have no node. */
export function devicesOf(
  nodes: readonly NodeRoom[],
  servers: readonly PlacedServer[],
  active: readonly Wanted[],
): Devices {
  const known = new Map(servers.map((server) => [server.key, server]));
  const taken = new Map<string, Record<string, number>>(nodes.map(({ name }) => [name, {}]));
  const chosen = new Map<string, string>();
  const evicted = new Set<string>();
  const used = new Set(active.map(({ server }) => server));
  const homeless = new Map<string, string>();
  const waiting = new Set<string>();
  for (const { node, need } of servers) if (node !== null && need !== null) add(taken.get(node), need, 1);

  function idleOn(node: string): readonly PlacedServer[] {
    return servers
      .filter((one) => one.node === node && one.need !== null && !used.has(one.key) && !evicted.has(one.key))
      .toSorted((a, b) => (a.idleSinceMs ?? Infinity) - (b.idleSinceMs ?? Infinity));
  }

  /** The idle servers that must go for the need to fit on the node, longest idle first; null when that does not help. */
  function toEvict(need: Need, node: NodeRoom): readonly PlacedServer[] | null {
    const after = { ...taken.get(node.name) };
    const gone: PlacedServer[] = [];
    if (obstacle(need, node, after) === null) return gone;
    for (const server of idleOn(node.name)) {
      if (server.need !== null) add(after, server.need, -1);
      gone.push(server);
      if (obstacle(need, node, after) === null) return gone.length === 1 ? gone : needed(need, node, gone);
    }
    return null;
  }

  // Some of those that went before the last may have been in nobody's way.
  function needed(need: Need, node: NodeRoom, gone: readonly PlacedServer[]): readonly PlacedServer[] {
    return gone.reduce<readonly PlacedServer[]>((kept, one) => {
      const without = kept.filter((other) => other !== one);
      const after = { ...taken.get(node.name) };
      for (const { need: theirs } of without) if (theirs !== null) add(after, theirs, -1);
      return obstacle(need, node, after) === null ? without : kept;
    }, gone);
  }

  function choose(need: Need, avoid: readonly string[]): Choice | null {
    const choices = nodes
      .filter(({ name }) => !avoid.includes(name))
      .flatMap((node) => {
        const evict = toEvict(need, node);
        return evict === null ? [] : [{ node, evict }];
      });
    return choices.toSorted(byChoice(need, taken))[0] ?? null;
  }

  const hasNode = (server: string) =>
    chosen.has(server) || (typeof known.get(server)?.node === 'string' && !evicted.has(server));

  function settle({ server, need }: Wanted): DeviceWait | null {
    if (need === null || hasNode(server)) return null;
    const avoid = known.get(server)?.avoid ?? [];
    const choice = choose(need, avoid);
    if (choice === null) {
      const wait = whyNot(need, nodes, taken, avoid);
      if (wait.reason === 'DEVICE_BUSY') waiting.add(need.pool);
      return wait;
    }
    for (const { key, need: theirs } of choice.evict) {
      evicted.add(key);
      if (theirs !== null) add(taken.get(choice.node.name), theirs, -1);
    }
    add(taken.get(choice.node.name), need, 1);
    chosen.set(server, choice.node.name);
    return null;
  }

  for (const wanted of active) {
    const wait = settle(wanted);
    if (wait !== null) homeless.set(wanted.server, wait.detail);
  }
  return {
    chosen,
    evicted,
    used,
    homeless,
    take(wanted) {
      // Of whom the earlier job is, is nobody else's business.
      if (wanted.need !== null && waiting.has(wanted.need.pool))
        return { reason: 'JOBS_AHEAD', detail: 'an earlier job waits for a device' };
      const wait = settle(wanted);
      if (wait === null) used.add(wanted.server);
      return wait;
    },
  };
}

interface Choice {
  readonly node: NodeRoom;
  readonly evict: readonly PlacedServer[];
}

/** Fewest evictions, then the node that is left with the least of the rarest thing (so that large servers still fit elsewhere), then the name. */
function byChoice(need: Need, taken: ReadonlyMap<string, Taken>): (a: Choice, b: Choice) => number {
  const device = Object.keys(need.requests).find((name) => name !== 'cpu' && name !== 'memory') ?? 'memory';
  const left = ({ node }: Choice) => (node.free[device] ?? 0) - (taken.get(node.name)?.[device] ?? 0);
  return (a, b) =>
    a.evict.length - b.evict.length ||
    left(a) - left(b) ||
    (a.node.name < b.node.name ? -1 : a.node.name > b.node.name ? 1 : 0);
}

const MOST_NAMED = 5;

function whyNot(
  need: Need,
  nodes: readonly NodeRoom[],
  taken: ReadonlyMap<string, Taken>,
  avoid: readonly string[],
): DeviceWait {
  const wants = Object.entries(need.requests)
    .filter(([resource]) => resource !== 'pods')
    .map(([resource, value]) => amount(resource, value));
  const said = `needs ${wants.join(', ')}`;
  const able = nodes.filter((node) => couldEver(need, node));
  if (able.length === 0) {
    const has = listed(nodes, (node) => `${node.name} has ${haveOf(node)}`);
    return { reason: 'DEVICE_ABSENT', detail: `${need.pool}: ${said}, which no node has; ${has}` };
  }
  const why = listed(able, (node) => {
    if (avoid.includes(node.name)) return `${node.name}: turned it away`;
    return `${node.name}: ${obstacle(need, node, taken.get(node.name) ?? {}) ?? 'fits'}`;
  });
  return { reason: 'DEVICE_BUSY', detail: `${need.pool}: ${said}; ${why}` };
}

function listed(nodes: readonly NodeRoom[], say: (node: NodeRoom) => string): string {
  if (nodes.length === 0) return 'there are no nodes';
  const more = nodes.length > MOST_NAMED ? `; and ${nodes.length - MOST_NAMED} more` : '';
  return nodes.slice(0, MOST_NAMED).map(say).join('; ') + more;
}

/** Devices first: what a node has beside what every node has. */
function haveOf({ total, closed }: NodeRoom): string {
  const common = new Set(['pods', 'ephemeral-storage']);
  const things = Object.entries(total)
    .filter(([name, value]) => value > 0 && !common.has(name))
    .map(([name, value]) => amount(name, value));
  return (things.join(', ') || 'nothing') + (closed === null ? '' : ` (${closed})`);
}

function add(sum: Record<string, number> | undefined, need: Need, sign: 1 | -1): void {
  if (sum === undefined) return;
  for (const [resource, value] of Object.entries(need.requests))
    sum[resource] = (sum[resource] ?? 0) + sign * value;
}
