import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { passing } from '@assay/lib/errors';
import { MIGRATIONS, type OpenDatabase } from './database.ts';
import { takeLock } from './lock-file.ts';
import { migrate } from './migrate.ts';

/**
 * Opens the embedded database of a folder, and makes it when there is none. Throws DATABASE_UNAVAILABLE: permanent
 * when another living process has it open or a newer Assay made it, passing when it cannot be opened right now.
 */
export async function openEmbedded(
  folder: string,
  pid: number,
  migrations = MIGRATIONS,
): Promise<OpenDatabase> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = await takeLock(folder, pid);
  try {
    const client = await start(join(folder, 'pglite'));
    try {
      const version = await migrate((act) => client.transaction(act), migrations);
      return opened(client, version, () => lock.release());
    } catch (error) {
      await client.close();
      throw error;
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function start(folder: string): Promise<PGlite> {
  try {
    return await PGlite.create(folder);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw passing('DATABASE_UNAVAILABLE', `the database in ${folder} does not open: ${why}`, error);
  }
}

function opened(client: PGlite, version: number, release: () => Promise<void>): OpenDatabase {
  const db = drizzle({ client });
  return {
    db,
    transaction: (act) => db.transaction(act),
    version,
    recovers: false,
    memoryBytes: () => client.Module.HEAPU8.length,
    close: async () => {
      await client.close();
      await release();
    },
  };
}
