import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'nats';
import {
  GenericContainer,
  Network,
  Wait,
  type StartedNetwork,
  type StartedTestContainer,
} from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecSide, openJailAt } from '@assay/lib/python';
import { call, connectRpc } from '@assay/lib/rpc';
import { CatalogServiceClient } from '@assay/proto/assay/v1/catalog';
import { dockerEngine } from '../support/docker.ts';

const run = promisify(execFile);
const HOME = path.join(import.meta.dirname, '../..');
const VERSION = '0.1.0';
const OPS_PORT = 9090;
const RPC_PORT = 9091;
const TOKEN = 'a-token';
const START_MS = 60_000;
const SERVICES = ['scheduler', 'runner', 'sandbox', 'reporter'] as const;
const OWN = {
  scheduler: {
    REPORTER: `reporter:${RPC_PORT}`,
    CATALOG_DIR: '/app/catalog',
    SECRETS_DIR: '/data/secrets',
    HOME_DIR: '/app',
    MODELS_DIR: '/data/models',
    SERVERS_DIR: '/data/servers',
  },
  runner: {},
  sandbox: {},
  reporter: { DATABASE_DIR: '/data/database', REPORTS_DIR: '/data/reports' },
};

/** A container as a cluster runs it: its root is read-only, and it has no rights and can gain none. */
class Hardened extends GenericContainer {
  constructor(image: string) {
    super(image);
    Object.assign(this.hostConfig, { ReadonlyRootfs: true, CapDrop: ['ALL'] });
    this.withSecurityOpt('no-new-privileges');
    this.withTmpFs({ '/data': 'rw,mode=1777', '/tmp': 'rw,mode=1777' });
  }
}

const engine = await dockerEngine('container images', ['mmdebstrap']);
const env = { ...process.env, ...engine?.env };

describe.skipIf(engine === null)('container images', () => {
  let network: StartedNetwork;
  let nats: StartedTestContainer;
  const services = new Map<string, StartedTestContainer>();

  beforeAll(async () => {
    Object.assign(process.env, engine?.env);
    await run(process.execPath, ['deploy/images/build.ts', '--packages', 'service', 'sandbox', 'nats'], {
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

  it.each(['service', 'sandbox', 'nats'])(
    '%s runs as a number that is not root, and is labelled',
    async (name) => {
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
    },
  );

  it.each([
    ['service', ['usr/local/bin/node']],
    ['nats', ['usr/local/bin/nats-server']],
    ['sandbox', ['usr/bin/python3', 'usr/bin/python3.11']],
  ])('%s has no program but %j', async (name, programs) => {
    expect(await programsOf(name)).toEqual(programs);
  });
});

async function service(
  name: (typeof SERVICES)[number],
  network: StartedNetwork,
): Promise<StartedTestContainer> {
  const settings = {
    NATS_URL: 'nats://nats:4222',
    BLOB_DIR: '/data/blobs',
    HOST: '0.0.0.0',
    OPS_PORT: String(OPS_PORT),
    RPC_PORT: String(RPC_PORT),
    TOKEN,
    ...OWN[name],
  };
  return await new Hardened(`assay/service:${VERSION}`)
    .withNetwork(network)
    .withNetworkAliases(name)
    .withEnvironment(
      Object.fromEntries(Object.entries(settings).map(([key, value]) => [`ASSAY_${key}`, value])),
    )
    .withExposedPorts(OPS_PORT, RPC_PORT)
    .withCommand([`services/${name}/main.ts`])
    .withWaitStrategy(Wait.forHttp('/readyz', OPS_PORT))
    .withStartupTimeout(START_MS)
    .start();
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
