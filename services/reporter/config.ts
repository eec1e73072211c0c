import { commonShape, exactlyOne, loadConfig, settings, type Given } from '@assay/lib/config';
import type { Violation } from '@assay/lib/domain';
import { identityShape, identityTogether } from '@assay/lib/identity';

const serverShape = {
  /** Most connections of this reporter to the server at once. */
  DATABASE_CONNECTIONS: settings.count.default(8),
  /** How long a query may wait for a connection. */
  DATABASE_CONNECT_TIMEOUT: settings.duration.default(5_000),
  /** How long a statement, or a pause within a transaction, may take; the server ends it then. */
  DATABASE_STATEMENT_TIMEOUT: settings.duration.default(30_000),
};

const shape = {
  ...commonShape,
  ...identityShape,
  /** The user name of the scheduler's service account, who alone may finalize. */
  SCHEDULER_USER: settings.text.optional(),
  /** Folder of the embedded database; one reporter at a time can use it. */
  DATABASE_DIR: settings.folder.optional(),
  /** A database on a PostgreSQL server instead; any number of reporters can use it. */
  DATABASE_URL: settings.databaseUrl.optional(),
  ...serverShape,
  /** Folder in which each job's report appears as a folder of its own. */
  REPORTS_DIR: settings.folder,
  /** How long Finalize waits for scores that are still being stored before it asks to be called again. */
  FINALIZE_WAIT: settings.duration.default(5_000),
};

/** The reporter's settings. Throws INVALID_REQUEST that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv = process.env) {
  return loadConfig('reporter', shape, env, (given) => [
    ...oneDatabase(given),
    ...identityTogether(given, 'SCHEDULER_USER'),
  ]);
}

function oneDatabase(given: Given): readonly Violation[] {
  const idle = given.has('DATABASE_URL') ? [] : Object.keys(serverShape).filter((name) => given.has(name));
  return [
    ...exactlyOne('DATABASE_DIR', 'DATABASE_URL', given),
    ...idle.map((name) => ({ field: `ASSAY_${name}`, message: 'means nothing without ASSAY_DATABASE_URL' })),
  ];
}
