import path from 'node:path';
import type { Layout } from './layout.ts';
import type { ChildSpec } from './child.ts';
import { pidFileOf } from './child.ts';
import type { Ports } from './state.ts';

/**
 * Left alone, V8 lets the young generation of a busy service grow to 128 MiB and its old one to a multiple of what lives
 * before it collects: memory then follows the throughput of the last minute instead of what is held. The runner's
 * throughput pays for collecting more often, so it is given more room than the others.
 */
const HEAP: Readonly<Record<ServiceName, readonly string[]>> = {
  scheduler: ['--max-semi-space-size=2', '--heap-growing-percent=10'],
  runner: ['--max-semi-space-size=8', '--heap-growing-percent=100'],
  sandbox: ['--max-semi-space-size=4', '--heap-growing-percent=20'],
  reporter: ['--max-semi-space-size=4', '--heap-growing-percent=30'],
};

/** One arena: buffers that threads hand back are used again instead of being kept by each. */
const MALLOC = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };

export const SERVICES = ['scheduler', 'runner', 'sandbox', 'reporter'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** A model server waits for the next question; scores can wait. They still come while it computes, only later. */
const YIELDING: ReadonlySet<ServiceName> = new Set(['sandbox', 'reporter']);

export interface ServiceSettings {
  readonly layout: Layout;
  readonly ports: Ports;
  readonly token: string;
  readonly natsUrl: string;
  readonly natsToken: string | undefined;
  /** The checkout, or wherever the package is installed. */
  readonly home: string;
  readonly node: string;
  /** What a process needs of its surroundings: PATH, HOME and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly catalog: string;
  /** Settings of single services, by name, as operators give them: `ASSAY_…`. */
  readonly extra: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>>;
  readonly ledger: { readonly generationsBytes: number; readonly scoresBytes: number };
}

/** How each service is started on a laptop: the same program as in a cluster, told where everything is. */
export function serviceSpecs(settings: ServiceSettings): Record<ServiceName, ChildSpec> {
  const { layout, ports, ledger } = settings;
  const own: Record<ServiceName, Record<string, string>> = {
    scheduler: {
      RPC_PORT: String(ports.scheduler),
      REPORTER: `127.0.0.1:${ports.reporter}`,
      CATALOG_DIR: settings.catalog,
      SECRETS_DIR: layout.secrets,
      SERVERS_DIR: layout.servers,
      HOME_DIR: settings.home,
      MODELS_DIR: layout.models,
      GENERATIONS_BYTES: String(ledger.generationsBytes),
      SCORES_BYTES: String(ledger.scoresBytes),
    },
    runner: { SECRETS_DIR: layout.secrets },
    sandbox: {},
    reporter: {
      RPC_PORT: String(ports.reporter),
      DATABASE_DIR: layout.database,
      REPORTS_DIR: layout.reports,
    },
  };
  const spec = (name: ServiceName): ChildSpec => ({
    name,
    command: [settings.node, ...HEAP[name], path.join(settings.home, 'services', name, 'main.ts')],
    env: {
      ...settings.env,
      ...MALLOC,
      ...prefixed(common(settings, name)),
      ...prefixed(own[name]),
      ...settings.extra[name],
    },
    logFile: path.join(layout.logs, `${name}.log`),
    pidFile: pidFileOf(layout.run, name),
    announceFile: announceFileOf(layout, name),
    graceMs: 10_000,
    yields: YIELDING.has(name),
  });
  return {
    scheduler: spec('scheduler'),
    runner: spec('runner'),
    sandbox: spec('sandbox'),
    reporter: spec('reporter'),
  };
}

export function announceFileOf(layout: Layout, name: ServiceName): string {
  return path.join(layout.run, `${name}.json`);
}

function common(settings: ServiceSettings, name: ServiceName): Record<string, string> {
  const { layout, natsToken } = settings;
  const { ASSAY_BLOB_STORE: blobStore, ASSAY_IDENTITY: identity } = settings.extra[name] ?? {};
  return {
    NATS_URL: settings.natsUrl,
    ...(natsToken === undefined ? {} : { NATS_TOKEN: natsToken }),
    ...(blobStore === undefined ? { BLOB_DIR: layout.blobs } : {}),
    ...(identity === undefined ? { TOKEN: settings.token } : {}),
    ANNOUNCE_FILE: announceFileOf(layout, name),
  };
}

function prefixed(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`ASSAY_${name}`, value]));
}
