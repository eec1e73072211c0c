import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { AssayError } from '@assay/lib/errors';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly hash: string;
}

/** What a step needs of a transaction. */
export interface Session {
  /** Statements without parameters. */
  exec(text: string): Promise<unknown>;
  query<T extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<{ rows: T[] }>;
}

export type Transact = <T>(act: (session: Session) => Promise<T>) => Promise<T>;

// "assay" in ASCII: a number that no other user of the database is likely to lock.
const LOCK = 0x61_73_73_61_79;

/**
 * Brings the database to the version of this code, which is the folder's number of steps (`0001_….sql`, in order), one
 * transaction for each step; gives the version. Of those who do so at once, one works and the others find it done.
 * Throws DATABASE_UNAVAILABLE (permanent) when the database is newer than the code, or was made by other steps.
 */
export async function migrate(transact: Transact, folder: URL): Promise<number> {
  const migrations = await readMigrations(folder);
  while (await transact((session) => doNext(session, migrations)));
  return migrations.length;
}

/** Does the first step that is not done; false when there is none. */
async function doNext(session: Session, migrations: readonly Migration[]): Promise<boolean> {
  await session.query('select pg_advisory_xact_lock($1)', [LOCK]);
  await session.exec(
    'create table if not exists assay_migrations (version integer primary key, name text not null, hash text not null)',
  );
  const { rows } = await session.query<{ version: number; name: string; hash: string }>(
    'select version, name, hash from assay_migrations order by version',
  );
  refuseUnknown(migrations, rows);
  const next = migrations[rows.length];
  if (next === undefined) return false;
  await session.exec(next.text);
  const { version, name, hash } = next;
  await session.query('insert into assay_migrations values ($1, $2, $3)', [version, name, hash]);
  return true;
}

function refuseUnknown(
  migrations: readonly Migration[],
  applied: readonly { version: number; name: string; hash: string }[],
): void {
  if (applied.length > migrations.length) {
    throw refused(
      `it is at version ${applied.length} and this reporter knows ${migrations.length}: start the version of Assay ` +
        'that made it, or use another database',
    );
  }
  const other = applied.find(({ hash }, i) => hash !== migrations[i]?.hash);
  if (other !== undefined) {
    throw refused(
      `its step ${other.name} is not the one of this reporter: use the version of Assay that made it`,
    );
  }
}

async function readMigrations(folder: URL): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name, i) => {
      const text = await readFile(new URL(name, folder), 'utf8');
      if (Number(name.slice(0, 4)) !== i + 1) throw new Error(`migration ${name}: ${i + 1} is missing`);
      return { version: i + 1, name, text, hash: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

function refused(why: string): AssayError {
  return new AssayError('DATABASE_UNAVAILABLE', `the database cannot be used: ${why}`);
}
