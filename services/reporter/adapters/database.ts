import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** The steps that make the tables, the same for every PostgreSQL. */
export const MIGRATIONS = new URL('./migrations/', import.meta.url);

interface Rows<T> {
  readonly rows: T[];
}

interface RowsHKT extends PgQueryResultHKT {
  type: Rows<this['row']>;
}

/** A PostgreSQL as queries see it, embedded or a server. Also what a transaction works with. */
export type Database = PgDatabase<RowsHKT, Record<string, never>>;

export interface OpenDatabase {
  readonly db: Database;
  /** Commits what `act` did, or nothing of it. `act` runs again when it was in the way of another transaction. */
  transaction<T>(act: (tx: Database) => Promise<T>): Promise<T>;
  /** Version of the database's tables. */
  readonly version: number;
  /** Whether queries work again, without opening it anew, once what was wrong with it is over. */
  readonly recovers: boolean;
  /** Memory of an embedded database, in bytes: it is not the heap's. */
  memoryBytes(): number;
  close(): Promise<void>;
}
