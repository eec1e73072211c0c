import pg from 'pg';
import { vi } from 'vitest';

/** Does `act` while another connection holds what the statement locks. */
export async function whileHeld(
  url: string,
  lock: string,
  act: (other: pg.Client) => Promise<void>,
): Promise<void> {
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  try {
    await other.query('begin');
    await other.query(lock);
    await act(other);
  } finally {
    await other.end();
  }
}

/** Until so many wait for a lock of the same database. */
export async function waitsForLock(other: pg.Client, count: number): Promise<void> {
  const query =
    "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
  await vi.waitUntil(async () => {
    await other.query('select pg_stat_clear_snapshot()');
    return (await other.query(query)).rows.length >= count;
  });
}
