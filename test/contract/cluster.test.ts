import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@assay/lib/clock';
import type { ModelTarget } from '@assay/lib/domain';
import { createLog } from '@assay/lib/log';
import { externalCluster } from '../../services/scheduler/adapters/external-cluster.ts';
import { localCluster } from '../../services/scheduler/adapters/local-cluster.ts';
import type { Cluster } from '../../services/scheduler/ports.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';

const log = createLog({ service: 'test', level: 'silent', pretty: false });
/** What every target asks for. */
const MODEL = 'wanted';
const LONG = { timeout: 30_000 };

/** As the scheduling cycle asks for a server. */
const wanted = (key: string, target: ModelTarget) => ({ key, target, node: null, waits: '' });

/** A cluster and the world around it. */
interface Opened {
  readonly cluster: Cluster;
  /** A target that asks for `MODEL`, whose server lists the id that is given. */
  target(lists: string): Promise<ModelTarget>;
  /** Processes that the cluster has started and that still run. */
  left(): Promise<readonly number[]>;
  close(): Promise<void>;
}

const adapters: Record<string, () => Promise<Opened>> = {
  'of local processes': openLocal,
  'of endpoints': openExternal,
};

async function openLocal(clock: Clock = systemClock): Promise<Opened> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-cluster-'));
  const program = path.join(folder, 'server.mjs');
  const support = pathToFileURL(path.join(import.meta.dirname, '../support/model-server.ts')).href;
  await writeFile(
    program,
    `import { rename, writeFile } from 'node:fs/promises';
import { startModelServer } from ${JSON.stringify(support)};
const [, , file, model] = process.argv;
const server = await startModelServer({ behaviour: { model } });
await writeFile(file + '.new', JSON.stringify({ url: server.url }));
await rename(file + '.new', file);
process.once('SIGTERM', () => process.exit(0));
`,
  );
  const cluster = localCluster({
    folder: path.join(folder, 'servers'),
    parentPid: process.pid,
    slots: 8,
    // The name of the catalog's model stands for what its server lists.
    serving: (target) => ({
      modelId: MODEL,
      command: (announce) => [process.execPath, program, announce, target.model],
      env: { PATH: process.env['PATH'] ?? '' },
      startTimeoutMs: 60_000,
      ceiling: 4,
      contextLength: 8_192,
    }),
    clock,
    log,
  });
  return {
    cluster,
    target: async (lists) => ({ type: 'catalog', model: lists, device: 'cpu' }),
    left: () => processesOf(program),
    async close() {
      await cluster.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Processes whose command line names the program: launchers and servers. */
async function processesOf(program: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_, i) => lines[i]?.includes(program)).map(Number);
}

async function openExternal(): Promise<Opened> {
  const servers: ModelServer[] = [];
  const cluster = externalCluster({ key: async () => null, ceiling: 4, clock: systemClock, log });
  return {
    cluster,
    async target(lists) {
      const server = await startModelServer({ behaviour: { model: lists } });
      servers.push(server);
      return { type: 'endpoint', baseUrl: server.url, model: MODEL };
    },
    left: async () => [],
    async close() {
      await cluster.close();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

describe.each(Object.entries(adapters))('a cluster %s', (_name, open) => {
  let world: Opened;
  let cluster: Cluster;
  beforeEach(async () => {
    world = await open();
    cluster = world.cluster;
  });
  afterEach(() => world.close());

  const phase = (key: string) => cluster.view(key)?.phase;
  const ready = (key: string) => expect.poll(() => phase(key), { timeout: 20_000 }).toBe('ready');

  it('knows no server that nobody asked for', () => {
    expect(cluster.keys()).toEqual([]);
    expect(cluster.view('a')).toBeNull();
  });

  it('tells of a server from the moment it is asked for, until it is ready', LONG, async () => {
    cluster.ensure(wanted('a', await world.target(MODEL)));
    expect(cluster.keys()).toEqual(['a']);
    expect(phase('a')).toBe('starting');
    await ready('a');
    expect(cluster.view('a')).toMatchObject({
      fault: null,
      model: MODEL,
      ceiling: 4,
      contextLength: 8_192,
      restarts: 0,
    });
    const listed = await fetch(`${cluster.view('a')?.baseUrl}/models`);
    expect(await listed.text()).toContain(MODEL);
  });

  it('joins what runs under a key already', LONG, async () => {
    const target = await world.target(MODEL);
    cluster.ensure(wanted('a', target));
    await ready('a');
    const before = [cluster.view('a'), await world.left()];
    cluster.ensure(wanted('a', target));
    cluster.ensure(wanted('a', target));
    await sleep(500);
    expect([cluster.view('a'), await world.left()]).toEqual(before);
    expect(cluster.keys()).toEqual(['a']);
  });

  it('fails a server that lists another model, and says so', LONG, async () => {
    cluster.ensure(wanted('a', await world.target('another')));
    await expect.poll(() => phase('a'), { timeout: 20_000 }).toBe('failed');
    const { fault, detail } = cluster.view('a') ?? {};
    expect(fault).toMatchObject({ reason: 'ENDPOINT_WRONG_MODEL', permanent: true });
    expect(detail).toContain('another');
  });

  it('keeps servers apart, and stops one of them', LONG, async () => {
    for (const key of ['a', 'b']) cluster.ensure(wanted(key, await world.target(MODEL)));
    await Promise.all([ready('a'), ready('b')]);
    const before = (await world.left()).length;
    await cluster.stop('a');
    expect(cluster.keys()).toEqual(['b']);
    expect(cluster.view('a')).toBeNull();
    expect((await world.left()).length).toBe(before / 2);
    expect(phase('b')).toBe('ready');
    await cluster.stop('a');
  });

  it('starts what was stopped anew', LONG, async () => {
    const target = await world.target(MODEL);
    cluster.ensure(wanted('a', target));
    await ready('a');
    await cluster.stop('a');
    cluster.ensure(wanted('a', target));
    expect(phase('a')).toBe('starting');
    await ready('a');
  });

  it('leaves nothing behind when it is closed, whatever its servers are at', LONG, async () => {
    cluster.ensure(wanted('a', await world.target(MODEL)));
    await ready('a');
    cluster.ensure(wanted('b', await world.target(MODEL)));
    cluster.ensure(wanted('c', await world.target('another')));
    await cluster.close();
    expect(cluster.keys()).toEqual([]);
    expect(await world.left()).toEqual([]);
  });
});

describe('a local server', () => {
  it('that is old has its whole start timeout to come back when it is down', LONG, async () => {
    let skewMs = 0;
    const world = await openLocal({ ...systemClock, monotonic: () => performance.now() + skewMs });
    const view = () => world.cluster.view('a');
    try {
      world.cluster.ensure(wanted('a', await world.target(MODEL)));
      await expect.poll(() => view()?.phase, { timeout: 20_000 }).toBe('ready');
      const before = await world.left();
      const admin = `${view()?.baseUrl.replace(/\/v1$/, '')}/admin/behaviour`;
      const set = (down: boolean) => fetch(admin, { method: 'POST', body: JSON.stringify({ down }) });
      skewMs = 3_600_000;
      await sleep(2_500);
      await set(true);
      await expect.poll(() => view()?.phase, { timeout: 10_000 }).toBe('starting');
      await sleep(500);
      await set(false);
      await expect.poll(() => view()?.phase, { timeout: 10_000 }).toBe('ready');
      expect(await world.left()).toEqual(before);
      expect(view()?.restarts).toBe(0);
    } finally {
      await world.close();
    }
  });
});
