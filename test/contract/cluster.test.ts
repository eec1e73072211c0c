import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { externalCluster } from '../../services/scheduler/adapters/external-cluster.ts';
import { localCluster } from '../../services/scheduler/adapters/local-cluster.ts';
import { clusterContract, MODEL, type OpenedCluster } from './cluster-contract.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';

const log = createLog({ service: 'test', level: 'silent', pretty: false });
const LONG = { timeout: 30_000 };

async function openLocal(clock: Clock = systemClock): Promise<OpenedCluster> {
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
    livesOn: false,
    ensure: (key, target) => cluster.ensure({ key, target, node: null, waits: '' }),
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

async function openExternal(): Promise<OpenedCluster> {
  const servers: ModelServer[] = [];
  const cluster = externalCluster({ key: async () => null, ceiling: 4, clock: systemClock, log });
  return {
    cluster,
    livesOn: false,
    ensure: (key, target) => cluster.ensure({ key, target, node: null, waits: '' }),
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

clusterContract('of local processes', openLocal);
clusterContract('of endpoints', openExternal);

describe('a local server', () => {
  it('that is old has its whole start timeout to come back when it is down', LONG, async () => {
    let skewMs = 0;
    const world = await openLocal({ ...systemClock, monotonic: () => performance.now() + skewMs });
    const view = () => world.cluster.view('a');
    try {
      world.ensure('a', await world.target(MODEL));
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
