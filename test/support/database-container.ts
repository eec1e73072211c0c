import pg from 'pg';
import { Wait, type StartedNetwork, type StartedTestContainer } from 'testcontainers';
import { Hardened } from './containers.ts';

export const PASSWORD = 'a-password';
const START_MS = 60_000;

export interface DatabaseOptions {
  readonly image: string;
  readonly network: StartedNetwork;
  /** Volumes. */
  readonly data: string;
  readonly secret: string;
}

/** The chart's database, as a container. */
export function database({ image, network, data, secret }: DatabaseOptions): Promise<StartedTestContainer> {
  return new Hardened(image, ['/tmp'])
    .withNetwork(network)
    .withNetworkAliases('postgres')
    .withBindMounts([
      { source: data, target: '/data' },
      { source: secret, target: '/secret', mode: 'ro' },
    ])
    .withEnvironment({ POSTGRES_PASSWORD_FILE: '/secret/password' })
    .withExposedPorts(5432)
    .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections'))
    .withStartupTimeout(START_MS)
    .start();
}

export function client(container: StartedTestContainer | undefined, password = PASSWORD): pg.Client {
  const [host, port] = [container?.getHost(), container?.getMappedPort(5432)];
  const connectionString = `postgres://assay:${password}@${host}:${port}/assay`;
  return new pg.Client({ connectionString, connectionTimeoutMillis: 5_000 });
}

/** How many scores it holds. */
export async function scores(container: StartedTestContainer | undefined): Promise<number> {
  const connected = client(container);
  await connected.connect();
  try {
    const { rows } = await connected.query<{ count: number }>(
      'select count(*)::integer as count from scores',
    );
    return rows[0]?.count ?? 0;
  } finally {
    await connected.end();
  }
}
