import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { devicesOf, type PlacedServer } from './devices.ts';
import type { Need, NodeRoom } from './fit.ts';

const GIB = 1024 ** 3;

function need(requests: Readonly<Record<string, number>>, over: Partial<Need> = {}): Need {
  return { pool: 'n150', requests, labels: {}, tolerations: [], ...over };
}

function node(name: string, total: Readonly<Record<string, number>>, over: Partial<NodeRoom> = {}): NodeRoom {
  return { name, closed: null, labels: {}, taints: [], total, free: total, ...over };
}

function server(key: string, over: Partial<PlacedServer> = {}): PlacedServer {
  return { key, need: BOARD, node: null, avoid: [], idleSinceMs: null, ...over };
}

const BOARD = need({ n150: 1 });
const wanted = (job: string, of: Need = BOARD) => ({ job, server: `s-${job}`, need: of });
/** What a single job is told. */
const asked = (of: Need, ...nodes: NodeRoom[]) => devicesOf(nodes, [], []).take(wanted('a', of));

describe('the node that is chosen', () => {
  it('is the one with the fewest devices left that will do', () => {
    const devices = devicesOf(
      [node('a', { n150: 4 }), node('b', { n150: 1 }), node('c', { n150: 1 })],
      [],
      [],
    );
    for (const job of ['x', 'y', 'z']) expect(devices.take(wanted(job))).toBeNull();
    expect([...devices.chosen.values()]).toEqual(['b', 'c', 'a']);
  });

  it('has room for everything that is needed', () => {
    const big = need({ n150: 1, memory: 64 * GIB });
    const small = node('small', { n150: 1, memory: 32 * GIB });
    expect(asked(big, small, node('large', { n150: 2, memory: 128 * GIB }))).toBeNull();
    expect(asked(big, small)).toMatchObject({ reason: 'DEVICE_ABSENT' });
  });

  it('has the labels, and taints only that are tolerated', () => {
    const taint = { key: 'tenstorrent.com/board', value: 'n150', effect: 'NoSchedule' };
    const tainted = node('t', { n150: 1 }, { taints: [taint], labels: { pool: 'tt' } });
    expect(asked(BOARD, tainted)).toMatchObject({ reason: 'DEVICE_ABSENT' });
    const tolerations = [{ key: taint.key }];
    expect(asked(need({ n150: 1 }, { tolerations, labels: { pool: 'tt' } }), tainted)).toBeNull();
    expect(asked(need({ n150: 1 }, { tolerations, labels: { pool: 'gpu' } }), tainted)).not.toBeNull();
    const other = [{ key: taint.key, value: 'p150' }];
    expect(asked(need({ n150: 1 }, { tolerations: other }), tainted)).not.toBeNull();
  });

  it('is none that turned the server away, and none that is closed', () => {
    const nodes = [node('a', { n150: 1 }), node('b', { n150: 1 }, { closed: 'cordoned' })];
    const away = devicesOf(nodes, [server('s-x', { avoid: ['a'] })], []);
    const wait = away.take(wanted('x'));
    expect(wait).toMatchObject({ reason: 'DEVICE_BUSY' });
    expect(wait?.detail).toBe('n150: needs n150 1; a: turned it away; b: cordoned');
  });
});

describe('a job that must wait', () => {
  it('is told what every node has when none has what it needs', () => {
    const nodes = [node('a', { cpu: 4, memory: 8 * GIB }), node('b', { cpu: 8, p150: 2 })];
    expect(devicesOf(nodes, [], []).take(wanted('x'))).toEqual({
      reason: 'DEVICE_ABSENT',
      detail: 'n150: needs n150 1, which no node has; a has cpu 4, memory 8.0 GiB; b has cpu 8, p150 2',
    });
    expect(devicesOf([], [], []).take(wanted('x'))?.detail).toContain('there are no nodes');
  });

  it('keeps later ones of its pool waiting, and nobody else', () => {
    const nodes = [node('a', { n150: 1, cpu: 8 })];
    const devices = devicesOf(nodes, [server('s-x', { node: 'a' })], [wanted('x')]);
    expect(devices.take(wanted('y'))?.detail).toBe('n150: needs n150 1; a: n150 0 free, 1 wanted');
    expect(devices.take(wanted('x'))).toMatchObject({ reason: 'JOBS_AHEAD' });
    expect(devices.take(wanted('c', need({ cpu: 1 }, { pool: 'cpu' })))).toBeNull();
  });

  it('keeps nobody waiting for a device that is nowhere', () => {
    const devices = devicesOf([node('a', { n150: 1 })], [], []);
    expect(devices.take(wanted('x', need({ n150: 8 })))).toMatchObject({ reason: 'DEVICE_ABSENT' });
    expect(devices.take(wanted('y'))).toBeNull();
  });
});

describe('idle servers', () => {
  it('go, longest idle first and no more than must, when a job needs their room', () => {
    const nodes = [node('a', { n150: 3 })];
    const servers = ['new', 'old', 'mid'].map((key, i) =>
      server(key, { node: 'a', idleSinceMs: [30, 10, 20][i] ?? 0 }),
    );
    const devices = devicesOf(nodes, servers, []);
    expect(devices.take(wanted('x', need({ n150: 2 })))).toBeNull();
    expect([...devices.evicted]).toEqual(['old', 'mid']);
  });

  it('stay where another node is free, and where stopping them would not be enough', () => {
    const idle = server('idle', { node: 'a', idleSinceMs: 0 });
    const free = devicesOf([node('a', { n150: 1 }), node('b', { n150: 1 })], [idle], []);
    expect(free.take(wanted('x'))).toBeNull();
    expect(free.evicted.size).toBe(0);
    const short = devicesOf([node('a', { n150: 2 })], [idle, server('s-y', { node: 'a' })], [wanted('y')]);
    expect(short.take(wanted('x', need({ n150: 2 })))).toMatchObject({ reason: 'DEVICE_BUSY' });
    expect(short.evicted.size).toBe(0);
  });

  it('that free nothing of what is scarce stay', () => {
    const nodes = [node('a', { n150: 1, cpu: 8 })];
    const cpuOnly = server('cpu', { need: need({ cpu: 1 }, { pool: 'cpu' }), node: 'a', idleSinceMs: 0 });
    const board = server('board', { node: 'a', idleSinceMs: 5 });
    const devices = devicesOf(nodes, [cpuOnly, board], []);
    expect(devices.take(wanted('x'))).toBeNull();
    expect([...devices.evicted]).toEqual(['board']);
  });
});

describe('servers of jobs that have their place', () => {
  it('come before every waiting job when they have no node, and say why they get none', () => {
    const nodes = [node('a', { n150: 1 })];
    const again = devicesOf(nodes, [server('s-x')], [wanted('x')]);
    expect(again.chosen).toEqual(new Map([['s-x', 'a']]));
    expect(again.take(wanted('y'))).toMatchObject({ reason: 'DEVICE_BUSY' });
    const none = devicesOf([node('a', { n150: 1 }, { closed: 'not ready' })], [server('s-x')], [wanted('x')]);
    expect(none.homeless.get('s-x')).toContain('a: not ready');
  });
});

it('never gives out more than a node has', () => {
  const amounts = fc.record({ n150: fc.integer({ min: 0, max: 4 }), cpu: fc.integer({ min: 0, max: 8 }) });
  const placed = fc.record({ of: amounts, on: fc.nat(2), idle: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(amounts, { minLength: 1, maxLength: 3 }),
      fc.array(placed, { maxLength: 4 }),
      fc.array(amounts, { maxLength: 8 }),
      (totals, running, asks) => {
        const nodes = totals.map((total, i) => node(`n${i}`, total));
        const servers = running.map(({ of, on, idle }, i) =>
          server(`r${i}`, { need: need(of), node: `n${on % nodes.length}`, idleSinceMs: idle ? i : null }),
        );
        const load = new Map(nodes.map(({ name }) => [name, { n150: 0, cpu: 0 }]));
        const put = (name: string, of: { n150: number; cpu: number }) => {
          const sum = load.get(name) ?? { n150: 0, cpu: 0 };
          load.set(name, { n150: sum.n150 + of.n150, cpu: sum.cpu + of.cpu });
        };
        running.forEach(({ of, on }) => put(`n${on % nodes.length}`, of));
        // Only worlds that were possible before.
        fc.pre(nodes.every(({ name, total }) => holdsWithin(load.get(name), total)));
        const active = servers
          .filter((one) => one.idleSinceMs === null)
          .map((one) => ({ job: one.key, server: one.key, need: one.need }));
        const devices = devicesOf(nodes, servers, active);
        asks.forEach((ask, i) => devices.take(wanted(`j${i}`, need(ask))));
        load.clear();
        nodes.forEach(({ name }) => load.set(name, { n150: 0, cpu: 0 }));
        running.forEach(({ of, on }, i) => {
          if (!devices.evicted.has(`r${i}`)) put(`n${on % nodes.length}`, of);
        });
        asks.forEach((ask, i) => {
          const on = devices.chosen.get(`s-j${i}`);
          if (on !== undefined) put(on, ask);
        });
        for (const { name, total } of nodes) expect(holdsWithin(load.get(name), total)).toBe(true);
        for (const one of active) expect(devices.evicted.has(one.server)).toBe(false);
      },
    ),
  );
});

function holdsWithin(
  load: { n150: number; cpu: number } | undefined,
  total: Readonly<Record<string, number>>,
): boolean {
  return (load?.n150 ?? 0) <= (total['n150'] ?? 0) && (load?.cpu ?? 0) <= (total['cpu'] ?? 0);
}
