import path from 'node:path';

/** Where everything of a local Assay lives: one folder, which can be deleted as a whole. */
export interface Layout {
  readonly root: string;
  readonly versionFile: string;
  readonly tokenFile: string;
  /** What the CLI reads: addresses and token. */
  readonly clientFile: string;
  readonly portsFile: string;
  /** Which run of the demo was the last. */
  readonly demoFile: string;
  readonly ballastFile: string;
  /** How large the ledgers were laid; goes with the store that they lie in. */
  readonly ledgersFile: string;
  readonly supervisorFile: string;
  readonly run: string;
  readonly logs: string;
  readonly nats: string;
  readonly blobs: string;
  readonly database: string;
  readonly reports: string;
  /** Metrics as they stood at the end of a demo. */
  readonly metrics: string;
  readonly secrets: string;
  readonly servers: string;
  readonly tools: string;
  readonly models: string;
}

/** Raised when what is stored changes its form; an older folder is refused with a word about `assay local reset`. */
export const STATE_VERSION = 1;

export function layoutOf(root: string): Layout {
  const at = (name: string) => path.join(root, name);
  return {
    root,
    versionFile: at('version'),
    tokenFile: at('token'),
    clientFile: at('cli.json'),
    portsFile: at('ports.json'),
    demoFile: at('demo.json'),
    ballastFile: at('nats/ballast'),
    ledgersFile: at('nats/ledgers.json'),
    supervisorFile: at('run/supervisor.json'),
    run: at('run'),
    logs: at('logs'),
    nats: at('nats'),
    blobs: at('blobs'),
    database: at('db'),
    reports: at('reports'),
    metrics: at('metrics'),
    secrets: at('secrets'),
    servers: at('servers'),
    tools: at('tools'),
    models: at('models'),
  };
}

/** Folders that hold what jobs made; the rest (tools, models) survives a reset. */
export function dataFolders(layout: Layout): readonly string[] {
  const { run, logs, nats, blobs, database, reports, metrics, secrets, servers } = layout;
  return [run, logs, nats, blobs, database, reports, metrics, secrets, servers];
}
