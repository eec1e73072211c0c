import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { AssayError } from '@assay/lib/errors';
import { pidFileOf, type ChildSpec } from './child.ts';
import type { Layout } from './layout.ts';
import { natsConfig } from './nats-config.ts';
import { writeWhole, type Ports } from './state.ts';

const OLDEST = [2, 11];

/** A nats-server to run: the one that was set up, the one that is named, or one on the PATH that is new enough. */
export async function findNatsServer(
  layout: Layout,
  named: string | undefined,
  searchPath: string,
): Promise<string> {
  const places = named === undefined ? [] : [named];
  places.push(
    path.join(layout.tools, 'nats-server'),
    ...searchPath.split(':').map((folder) => path.join(folder, 'nats-server')),
  );
  for (const place of places) {
    if (await runs(place)) return place;
  }
  throw new AssayError(
    'BROKER_UNAVAILABLE',
    `no nats-server ${OLDEST.join('.')} or newer was found; \`npm run demo\` fetches one, or set NATS_URL to a broker that runs`,
  );
}

async function runs(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    const { stdout } = await promisify(execFile)(file, ['--version'], { timeout: 5_000 });
    const [major = 0, minor = 0] = /v(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
    return major > (OLDEST[0] ?? 0) || (major === OLDEST[0] && minor >= (OLDEST[1] ?? 0));
  } catch {
    return false;
  }
}

/** How the broker is started; writes its configuration, whose mode keeps the token from other users. */
export async function brokerSpec(options: {
  readonly layout: Layout;
  readonly server: string;
  readonly ports: Ports;
  readonly token: string;
  readonly storeBytes: number;
  readonly env: Readonly<Record<string, string>>;
}): Promise<ChildSpec> {
  const { layout } = options;
  const file = path.join(layout.nats, 'nats.conf');
  const store = path.join(layout.nats, 'store');
  await writeWhole(
    file,
    natsConfig({ port: options.ports.nats, token: options.token, store, storeBytes: options.storeBytes }),
    0o600,
  );
  return {
    name: 'nats',
    command: [options.server, '-c', file],
    // Go would let its heap double before it collects; a laptop has better uses for that memory.
    env: { ...options.env, GOGC: '20' },
    logFile: path.join(layout.logs, 'nats.log'),
    pidFile: pidFileOf(layout.run, 'nats'),
    announceFile: null,
    graceMs: 10_000,
  };
}
