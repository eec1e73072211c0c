import { readFile } from 'node:fs/promises';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import type { DatabaseUrl } from '@assay/lib/config';
import { AssayError, isPermanent } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { codeOf, databaseError } from './database-error.ts';
import { MIGRATIONS, type OpenDatabase } from './database.ts';
import { migrate, type Session } from './migrate.ts';

export interface ServerSettings {
  readonly url: DatabaseUrl;
  /** Most connections at once. */
  readonly connections: number;
  /** How long a statement, or a pause within a transaction, may take. */
  readonly statementTimeoutMs: number;
  /** How long a query may wait for a connection. */
  readonly connectTimeoutMs: number;
}

// A step may rewrite a large table, and the other reporters wait for the one that does.
const MIGRATION_MS = 600_000;
/** The server ends a statement itself; after this more it is gone without a word. */
const SILENCE_MS = 5_000;
const TRIES = 5;

/** As `openServer`, once the server is there; until then each try that failed is logged. Rejects when `stop` aborts. */
export async function awaitServer(
  settings: ServerSettings,
  log: Log,
  stop: AbortSignal,
): Promise<OpenDatabase> {
  const over = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<OpenDatabase>();
  const step = async (): Promise<number> => {
    try {
      resolve(await openServer(settings, log));
    } catch (error) {
      if (!isPermanent(error)) throw error;
      reject(error);
    }
    over.abort();
    return 0;
  };
  await loop({ name: 'database', step, log, maxBackoffMs: 2_000 }, AbortSignal.any([stop, over.signal]));
  if (!over.signal.aborted) reject(stop.reason);
  return promise;
}

/**
 * Opens a database of a PostgreSQL server and brings its tables up to date; any number of reporters may. Throws
 * DATABASE_UNAVAILABLE: permanent when the server refuses the user or the database cannot be used, passing when it
 * does not answer right now.
 */
export async function openServer(
  settings: ServerSettings,
  log: Log,
  migrations = MIGRATIONS,
): Promise<OpenDatabase> {
  const tls = await tlsOf(settings.url);
  const version = await migrated({ ...settings, statementTimeoutMs: MIGRATION_MS }, tls, log, migrations);
  const pool = poolOf(settings, tls, log);
  return {
    db: drizzle({ client: pool }),
    transaction: (act) => retried(() => transact(pool, (client) => act(drizzle({ client }))), TRIES),
    version,
    recovers: true,
    memoryBytes: () => 0,
    close: () => pool.end(),
  };
}

type Tls = pg.PoolConfig['ssl'];

async function tlsOf({ sslmode, sslrootcert }: DatabaseUrl): Promise<Tls> {
  if (sslmode === 'disable') return false;
  if (sslmode === 'require') return { rejectUnauthorized: false };
  if (sslrootcert === undefined) return { rejectUnauthorized: true };
  try {
    return { rejectUnauthorized: true, ca: await readFile(sslrootcert, 'utf8') };
  } catch (error) {
    const why = `the certificate ${sslrootcert} of ASSAY_DATABASE_URL cannot be read`;
    throw new AssayError('DATABASE_UNAVAILABLE', why, { cause: error });
  }
}

function poolOf(settings: ServerSettings, tls: Tls, log: Log): pg.Pool {
  const { host, port, user, password, database } = settings.url;
  const pool = new pg.Pool({
    host,
    port,
    user,
    // Undefined would be looked for in the environment and in files.
    password: password ?? '',
    database,
    ssl: tls,
    max: settings.connections,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    statement_timeout: settings.statementTimeoutMs,
    idle_in_transaction_session_timeout: settings.statementTimeoutMs,
    query_timeout: settings.statementTimeoutMs + SILENCE_MS,
    keepAlive: true,
    application_name: 'assay-reporter',
  });
  pool.on('error', (error) => log.warn({ err: error }, 'a connection to the database broke'));
  // One that breaks while a query has it tells the query, too.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function migrated(settings: ServerSettings, tls: Tls, log: Log, migrations: URL): Promise<number> {
  const pool = poolOf({ ...settings, connections: 1 }, tls, log);
  try {
    return await migrate(
      (act) =>
        transact(pool, async (client) => {
          await refuseEncoding(client);
          return act(sessionOf(client));
        }),
      migrations,
    );
  } catch (error) {
    throw databaseError(error, cannotBeUsed);
  } finally {
    await pool.end();
  }
}

function sessionOf(client: pg.PoolClient): Session {
  return {
    exec: (text) => client.query(text),
    query: <T extends Record<string, unknown>>(text: string, values?: unknown[]) =>
      client.query<T>(text, values),
  };
}

async function refuseEncoding(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('show server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding === 'UTF8') return;
  throw new AssayError(
    'DATABASE_UNAVAILABLE',
    `the database cannot be used: its encoding is ${encoding}; make it with encoding UTF8`,
  );
}

// Wrong password or user, no such database, no right, a statement that does not fit: no time mends these.
function cannotBeUsed(code: string): boolean {
  return /^(28|3D|42)...$/.test(code);
}

async function transact<T>(pool: pg.Pool, act: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    // What two transactions find depends on it, and a server may have another default.
    await client.query('begin isolation level read committed');
    const result = await act(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    // The end of the connection is a rollback that needs no answer.
    client.release(true);
    throw error;
  }
}

/** Tries again what the server gave up for the sake of another transaction. */
async function retried<T>(act: () => Promise<T>, tries: number): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (tries === 1 || !['40001', '40P01'].includes(codeOf(error))) throw error;
    return retried(act, tries - 1);
  }
}
