import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'nats';
import { Network, Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectBus } from '@assay/lib/bus';
import { createLog } from '@assay/lib/log';
import { ExecSide, openJailAt } from '@assay/lib/python';
import { call, connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { score } from '../../services/reporter/testing/builders.ts';
import { Hardened } from '../support/containers.ts';
import { client, database, PASSWORD, scores } from '../support/database-container.ts';
import { dockerEngine } from '../support/docker.ts';
import {
  OPS_PORT,
  RPC_PORT,
  service,
  SERVICES,
  START_MS,
  TOKEN,
  VERSION,
} from '../support/service-container.ts';

const run = promisify(execFile);
const HOME = path.join(import.meta.dirname, '../..');
const IMAGES = ['service', 'sandbox', 'nats', 'postgres'];
const engine = await dockerEngine('container images', ['mmdebstrap']);
const env = { ...process.env, ...engine?.env };

describe.skipIf(engine === null)('container images', () => {
  let network: StartedNetwork;
  let nats: StartedTestContainer;
  const services = new Map<string, StartedTestContainer>();

  beforeAll(async () => {
    Object.assign(process.env, engine?.env);
    await run(process.execPath, ['deploy/images/build.ts', '--packages', ...IMAGES], {
      cwd: HOME,
      env,
    });
    network = await new Network().start();
    nats = await new Hardened(`assay/nats:${VERSION}`)
      .withNetwork(network)
      .withNetworkAliases('nats')
      .withExposedPorts(4222, 8222)
      .withWaitStrategy(Wait.forHttp('/healthz', 8222))
      .withStartupTimeout(START_MS)
      .start();
    const started = SERVICES.map(async (name) => services.set(name, await service(name, network)));
    await Promise.all(started);
  }, 400_000);

  afterAll(async () => {
    await Promise.all([...services.values(), nats].map((container) => container?.stop()));
    await network?.stop();
    await engine?.stop();
  }, 60_000);

  it('the broker keeps streams', async () => {
    const client = await connect({ servers: `${nats.getHost()}:${nats.getMappedPort(4222)}` });
    const info = await (await client.jetstreamManager()).getAccountInfo();
    expect(info.streams).toBeGreaterThan(0); // those that the scheduler made
    await client.close();
  });

  it('the scheduler answers over gRPC', async () => {
    const scheduler = services.get('scheduler');
    const address = `${scheduler?.getHost()}:${scheduler?.getMappedPort(RPC_PORT)}`;
    const catalog = connectRpc(CatalogServiceClient, address, { token: TOKEN });
    const { models } = await call(catalog, 'listModels', {}, { deadlineMs: 5_000 });
    expect(models.map((model) => model.name)).toContain('smollm2-135m-instruct');
    catalog.close();
  });

  it.each(SERVICES)('the %s is ready', async (name) => {
    const container = services.get(name);
    const base = `http://${container?.getHost()}:${container?.getMappedPort(OPS_PORT)}`;
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('assay_');
  });

  it.each(IMAGES)('%s runs as a number that is not root, and is labelled', async (name) => {
    const { stdout } = await docker(
      'image',
      'inspect',
      '--format',
      '{{json .Config}}',
      `assay/${name}:${VERSION}`,
    );
    const config = JSON.parse(stdout) as {
      readonly User: string;
      readonly Labels: Readonly<Record<string, string>>;
    };
    expect(config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(config.Labels).toMatchObject({
      'org.opencontainers.image.version': VERSION,
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}$|^unknown$/),
    });
  });

  // Only root connects to a socket whose group it is not in.
  it.skipIf(process.getuid?.() !== 0)(
    'the sandbox is the parent of the jail, as the first process of its container',
    async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'assay-sandbox-image-'));
      await chmod(folder, 0o777);
      const container = await new Hardened(`assay/sandbox:${VERSION}`)
        .withBindMounts([{ source: folder, target: '/run/assay', mode: 'rw' }])
        .withWaitStrategy(Wait.forLogMessage(/serves/))
        .withStartupTimeout(START_MS)
        .start();
      const exec = new ExecSide(path.join(folder, 'exec.sock'));
      const jail = await openJailAt(exec, 1, AbortSignal.timeout(START_MS));
      expect(jail.report).toMatchObject({ tier: 1, allowed: [] });
      await docker('kill', '--signal', 'TERM', container.getId());
      expect((await docker('wait', container.getId())).stdout.trim()).toBe('0');
      await jail.close();
      await container.stop();
      await rm(folder, { recursive: true });
    },
  );

  it.each([
    ['service', ['usr/local/bin/node']],
    ['nats', ['usr/local/bin/nats-server']],
    ['sandbox', ['usr/bin/python3', 'usr/bin/python3.11']],
    [
      'postgres',
      [
        ...['dash', 'mv', 'rm', 'sh', 'sync'].map((name) => `bin/${name}`),
        'usr/bin/dirname',
        'usr/local/bin/start-postgres',
      ],
    ],
  ])('%s has no program but %j', async (name, programs) => {
    expect(await programsOf(name)).toEqual(programs);
  });

  it.each(['weights', 'watch'])('the service image has what the %s program of a pod needs', async (name) => {
    const wrong = ['--env', 'ASSAY_LOG_LEVEL=loud', `assay/service:${VERSION}`];
    const ended = docker('run', '--rm', '--read-only', ...wrong, `services/scheduler/inside/${name}.ts`);
    await expect(ended).rejects.toMatchObject({
      code: 2,
      stdout: expect.stringContaining('ASSAY_LOG_LEVEL must be one of'),
    });
  });

  describe('PostgreSQL', () => {
    const VOLUMES = ['data', 'half', 'secret'].map((name) => `assay-${name}-${process.pid}`);
    const [data = '', half = '', secret = ''] = VOLUMES;
    const at = { image: `assay/postgres:${VERSION}`, secret };
    let postgres: StartedTestContainer | undefined;
    let reporter: StartedTestContainer | undefined;

    beforeAll(async () => {
      for (const volume of VOLUMES) await docker('volume', 'create', volume);
      await inVolume(secret, `echo ${PASSWORD} >/data/password`);
      postgres = await database({ ...at, network, data });
      // The one that is there keeps its results in a folder of its own, and would take the score.
      await services.get('reporter')?.stop();
      services.delete('reporter');
      const url = `postgres://assay:${PASSWORD}@postgres:5432/assay`;
      reporter = await service('reporter', network, { DATABASE_URL: url, REPORTS_DIR: '/data/reports' });
    }, 120_000);

    afterAll(async () => {
      await Promise.all([reporter?.stop(), postgres?.stop()]);
      for (const volume of VOLUMES) await docker('volume', 'rm', '--force', volume);
    }, 60_000);

    it('holds what a reporter folds', async () => {
      const servers = `nats://${nats.getHost()}:${nats.getMappedPort(4222)}`;
      const log = createLog({ service: 'test', level: 'silent' });
      const bus = await connectBus({ url: servers, name: 'test', log });
      await bus.scores('p0').store(score({ job: 'containerjob' }));
      await bus.close();
      await vi.waitUntil(async () => (await scores(postgres)) === 1, { timeout: 20_000, interval: 200 });
    });

    it('has it still after it was killed, and the reporter finds it again', async () => {
      await docker('kill', '--signal', 'KILL', postgres?.getId() ?? '');
      await vi.waitUntil(async () => (await readiness(reporter)) === 503, { timeout: 30_000, interval: 200 });
      await postgres?.stop();
      postgres = await database({ ...at, network, data });
      expect(await scores(postgres)).toBe(1);
      await vi.waitUntil(async () => (await readiness(reporter)) === 200, { timeout: 30_000, interval: 200 });
    }, 120_000);

    it('takes nobody without the password', async () => {
      const wrong = client(postgres, 'another');
      await expect(wrong.connect()).rejects.toThrow('password authentication failed');
    });

    it('ends at once on SIGTERM, though somebody is connected', async () => {
      const idle = client(postgres);
      idle.on('error', () => undefined);
      await idle.connect();
      const id = postgres?.getId() ?? '';
      await docker('kill', '--signal', 'TERM', id);
      const state = async () =>
        (await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', id)).stdout.trim();
      await vi.waitUntil(async () => (await state()) === 'exited 0', { timeout: 20_000, interval: 200 });
      expect((await docker('logs', id)).stderr).toContain('database system is shut down');
    }, 60_000);

    it('takes the password that it is started with, whichever it was before', async () => {
      await postgres?.stop();
      await inVolume(secret, 'echo another-1 >/data/password');
      postgres = await database({ ...at, network, data });
      await inVolume(secret, `echo ${PASSWORD} >/data/password`);
      const renewed = client(postgres, 'another-1');
      await renewed.connect();
      await renewed.end();
      await expect(client(postgres).connect()).rejects.toThrow('password authentication failed');
    }, 60_000);

    it('makes its database again when the first time was cut off in the middle', async () => {
      const options = ['--volume', `${half}:/data`, '--volume', `${secret}:/secret`];
      const setting = ['--env', 'POSTGRES_PASSWORD_FILE=/secret/password'];
      const { stdout } = await docker('run', '--detach', ...options, ...setting, at.image);
      const id = stdout.trim();
      await docker('exec', id, '/bin/sh', '-c', 'until [ -e /data/db.new/PG_VERSION ]; do :; done');
      await docker('rm', '--force', id);
      await inVolume(half, '[ -e /data/db.new ] && [ ! -e /data/db ]');
      const again = await database({ ...at, network, data: half });
      const connected = client(again);
      await connected.connect();
      expect((await connected.query('show data_directory')).rows).toEqual([{ data_directory: '/data/db' }]);
      await connected.end();
      await again.stop();
    }, 120_000);

    it('says that it has no password', async () => {
      const run = docker('run', '--rm', '--read-only', '--tmpfs', '/data:mode=1777', at.image);
      await expect(run).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining('POSTGRES_PASSWORD_FILE'),
      });
    });
  });
});

/** Runs a line of shell that writes to a volume's `/data`. */
function inVolume(volume: string, line: string) {
  const mount = ['--volume', `${volume}:/data`];
  return docker('run', '--rm', ...mount, '--entrypoint', '/bin/sh', `assay/postgres:${VERSION}`, '-c', line);
}

async function readiness(container: StartedTestContainer | undefined): Promise<number> {
  return (await fetch(`http://${container?.getHost()}:${container?.getMappedPort(OPS_PORT)}/readyz`)).status;
}

/** Every file of an image that lies where programs lie. */
async function programsOf(name: string): Promise<string[]> {
  const { stdout } = await docker('create', `assay/${name}:${VERSION}`);
  const id = stdout.trim();
  try {
    const list = `docker export ${id} | tar -t`;
    const { stdout: files } = await run('bash', ['-c', list], { env, maxBuffer: 64 * 1024 * 1024 });
    return files
      .split('\n')
      .filter((file) => /^(usr\/(local\/)?)?s?bin\/[^/]+$/.test(file))
      .toSorted();
  } finally {
    await docker('rm', id);
  }
}

function docker(...args: string[]) {
  return run('docker', args, { env });
}
