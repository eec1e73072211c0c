import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { PGlite } from '@electric-sql/pglite';
import { AssayError } from '@assay/lib/errors';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly hash: string;
}

/**
 * Brings the database to the version of this code, which is the folder's number of steps (`0001_….sql`, in order), one
 * transaction for each step; gives the version. Throws
 * DATABASE_UNAVAILABLE (permanent) when the database is newer than the code, or was made by other steps.
 */
export async function migrate(db: PGlite, folder: URL): Promise<number> {
  const migrations = await readMigrations(folder);
  await db.exec(
    'create table if not exists assay_migrations (version integer primary key, name text not null, hash text not null)',
  );
  const { rows } = await db.query<{ version: number; name: string; hash: string }>(
    'select version, name, hash from assay_migrations order by version',
  );
  refuseUnknown(migrations, rows);
  for (const migration of migrations.slice(rows.length)) {
    await db.transaction(async (tx) => {
      await tx.exec(migration.text);
      const { version, name, hash } = migration;
      await tx.query('insert into assay_migrations values ($1, $2, $3)', [version, name, hash]);
    });
  }
  return migrations.length;
}

function refuseUnknown(
  migrations: readonly Migration[],
  applied: readonly { version: number; name: string; hash: string }[],
): void {
  if (applied.length > migrations.length) {
    throw refused(
      `it is at version ${applied.length} and this reporter knows ${migrations.length}: start the version of Assay ` +
        'that made it, or use another folder',
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
