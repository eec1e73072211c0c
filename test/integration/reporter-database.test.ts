import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../services/reporter/adapters/database.ts';
import { migrate } from '../../services/reporter/adapters/migrate.ts';
import { databaseResults } from '../../services/reporter/adapters/results.ts';

const REPORTER = resolve(import.meta.dirname, '../../services/reporter');
const MIGRATIONS = join(REPORTER, 'adapters/migrations');

let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-database-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

describe('the embedded database', () => {
  it('keeps every score that was committed when its process is killed in the middle of the work', async () => {
    let committed = 0;
    for (let round = 0; round < 3; round += 1) {
      committed = await foldUntilKilled(committed, 400 + 250 * round);
      const results = databaseResults(await openDatabase(join(folder, 'db'), process.pid));
      const [totals] = await results.totals('killedjob');
      const stored = totals?.scored ?? 0;
      // A batch may be committed without the word of it getting out; never the other way round.
      expect([committed, committed + 100]).toContain(stored);
      expect(totals?.metrics['acc,none']?.n).toBe(stored);
      expect(await results.rows({ job: 'killedjob', epoch: 0, task: 'toy' }, 0, 1e6)).toHaveLength(stored);
      await results.close();
      committed = stored;
    }
  });

  it('brings an older database up to date and keeps what it holds', async () => {
    const steps = join(folder, 'steps');
    await cp(MIGRATIONS, steps, { recursive: true });
    const db = await PGlite.create(join(folder, 'pglite'));
    const first = await migrate(db, pathToFileURL(`${steps}/`));
    await db.exec("insert into runs (job, created_at) values ('kept', 1)");
    await writeFile(join(steps, `${String(first + 1).padStart(4, '0')}_more.sql`), 'alter table runs add column more text');
    expect(await migrate(db, pathToFileURL(`${steps}/`))).toBe(first + 1);
    expect(await migrate(db, pathToFileURL(`${steps}/`))).toBe(first + 1);
    expect((await db.query('select job, more from runs')).rows).toEqual([{ job: 'kept', more: null }]);
    await expect(migrate(db)).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      permanent: true,
      message: expect.stringContaining(`it is at version ${first + 1} and this reporter knows ${first}`),
    });
    await db.close();
  });

  it('does a step whole or not at all', async () => {
    const steps = join(folder, 'steps');
    await cp(MIGRATIONS, steps, { recursive: true });
    const db = await PGlite.create();
    const first = await migrate(db);
    const name = `${String(first + 1).padStart(4, '0')}_bad.sql`;
    await writeFile(join(steps, name), 'create table half (a integer); create table half (a integer)');
    await expect(migrate(db, pathToFileURL(`${steps}/`))).rejects.toThrow('half');
    await writeFile(join(steps, name), 'create table half (a integer)');
    expect(await migrate(db, pathToFileURL(`${steps}/`))).toBe(first + 1);
    await db.close();
  });

  it('refuses a database that other steps made', async () => {
    const db = await PGlite.create();
    await migrate(db);
    await db.exec("update assay_migrations set hash = 'another'");
    await expect(migrate(db)).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE', permanent: true });
    await db.close();
  });

  it('is opened by one process at a time, and free again when a start fails', async () => {
    const open = await openDatabase(join(folder, 'db'), process.pid);
    await expect(openDatabase(join(folder, 'db'), process.pid)).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('is locked'),
    });
    await open.db.execute("update assay_migrations set hash = 'another'");
    await open.close();
    for (let i = 0; i < 2; i += 1) {
      await expect(openDatabase(join(folder, 'db'), process.pid)).rejects.toMatchObject({
        message: expect.stringContaining('is not the one of this reporter'),
      });
    }
  });
});

/** Folds batches of 100 in a process of its own that is killed; gives how many scores it said were committed. */
async function foldUntilKilled(from: number, afterMs: number): Promise<number> {
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(REPORTER, path)).href);
  const script = `
    const { openDatabase } = await import(${url('adapters/database.ts')});
    const { databaseResults } = await import(${url('adapters/results.ts')});
    const { row } = await import(${url('testing/builders.ts')});
    const results = databaseResults(await openDatabase(${JSON.stringify(join(folder, 'db'))}, process.pid));
    for (let from = ${from}; ; from += 100) {
      await results.fold(Array.from({ length: 100 }, (_, i) => row({ job: 'killedjob', doc: from + i })), 1);
      process.stdout.write(String(from + 100) + '\\n');
    }`;
  const spawned = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = spawned;
  let output = '';
  spawned.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(spawned, 'close');
  await Promise.race([once(spawned.stdout, 'data'), ended]);
  setTimeout(() => spawned.kill('SIGKILL'), afterMs);
  await ended;
  return Number(output.trimEnd().split('\n').at(-1));
}
