import { Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers';
import { Hardened } from './containers.ts';

export const VERSION = '0.1.0';
export const OPS_PORT = 9090;
export const RPC_PORT = 9091;
export const TOKEN = 'a-token';
export const START_MS = 60_000;
export const SERVICES = ['scheduler', 'runner', 'sandbox', 'reporter'] as const;
export const OWN = {
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

/** A service from its image, in a network with a broker called `nats`. */
export async function service(
  name: (typeof SERVICES)[number],
  network: StartedNetwork,
  own: Readonly<Record<string, string>> = OWN[name],
): Promise<StartedTestContainer> {
  const settings = {
    NATS_URL: 'nats://nats:4222',
    BLOB_DIR: '/data/blobs',
    HOST: '0.0.0.0',
    OPS_PORT: String(OPS_PORT),
    RPC_PORT: String(RPC_PORT),
    TOKEN,
    ...own,
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
