import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '@assay/lib/log';
import { MIGRATIONS, type OpenDatabase } from '../../services/reporter/adapters/database.ts';
import { databaseResults } from '../../services/reporter/adapters/results.ts';
import { openServer, type ServerSettings } from '../../services/reporter/adapters/server-database.ts';
import type { FinalResult, Results, ScoreRow } from '../../services/reporter/ports.ts';
import { oneTenant, row } from '../../services/reporter/testing/builders.ts';
import { silentServer } from '../support/silent-server.ts';
import { waitsForLock, whileHeld } from '../support/postgres-locks.ts';
import { batches, rowsOf, shuffled } from '../support/score-rows.ts';
import { findPostgres, serverSettings, startPostgres, type PostgresServer } from '../support/postgres.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const programs = await findPostgres('results on a PostgreSQL server');
const silent = createLog({ service: 'test', level: 'silent' });
const KEY = { job: 'serverjob', epoch: 0, task: 'toy' };

describe.skipIf(programs === null)('a database on a server', () => {
  let server: PostgresServer;
  let url: string;
  let logged: string;
  const opened: OpenDatabase[] = [];
  const log = createLog(
    { service: 'test', level: 'info', pretty: false },
    { write: (line) => (logged += line) },
  );
  const open = async (parts: Partial<ServerSettings> = {}, migrations?: URL): Promise<OpenDatabase> => {
    const database = await openServer(serverSettings(url, parts), log, migrations);
    opened.push(database);
    return database;
  };
  const two = async (): Promise<[Results, Results]> => [
    databaseResults(await open(), oneTenant),
    databaseResults(await open(), oneTenant),
  ];
  const closed = () => Promise.all(opened.splice(0).map((database) => database.close()));
  /** How many the server had to resolve; what opened the database is closed first, for it counts at the end. */
  const deadlocks = async (): Promise<unknown> => {
    await closed();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const others =
      'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
    await vi.waitUntil(async () => (await client.query(others)).rows.length === 0);
    const { rows } = await client.query<{ deadlocks: number }>(
      'select deadlocks::integer from pg_stat_database where datname = current_database()',
    );
    await client.end();
    return rows[0]?.deadlocks;
  };
  beforeAll(async () => {
    server = await startPostgres(programs ?? '');
  });
  beforeEach(async () => {
    logged = '';
    url = await server.database();
  });
  afterEach(async () => {
    await closed();
    expect(logged).not.toContain(server.password);
  });
  afterAll(() => server.stop());

  it('is made once by reporters that start at once', async () => {
    const databases = await Promise.all(Array.from({ length: 6 }, () => open()));
    const steps = await databases[0]?.db.execute('select version from assay_migrations order by version');
    expect(databases.map(({ version }) => version)).toEqual(databases.map(() => steps?.rows.length));
  });

  it('is refused for good when it is newer, cannot hold every text, is not there, or the password is wrong', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-steps-'));
    const newer = pathToFileURL(`${folder}/`);
    await cp(MIGRATIONS, newer, { recursive: true });
    const { version } = await open();
    await writeFile(new URL(`000${version + 1}_more.sql`, newer), 'create table more (a integer)');
    await open({}, newer);
    await rm(folder, { recursive: true });
    const latin = await server.database("encoding 'LATIN1' template template0");
    const refused: [string, string][] = [
      [url, `it is at version ${version + 1} and this reporter knows ${version}`],
      [latin, 'its encoding is LATIN1'],
      [url.replace(/\w+$/, 'nowhere'), 'database "nowhere" does not exist'],
      [url.replace(server.password, `x${server.password}`), 'password authentication failed'],
    ];
    for (const [at, words] of refused) {
      const error: unknown = await openServer(serverSettings(at), log).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ ...gone(words), permanent: true });
      log.error({ err: error }, 'refused');
      expect(String(error)).not.toContain(server.password);
    }
  });

  it('counts each score once when several reporters fold the same ones at once', async () => {
    const replicas = await Promise.all(
      Array.from({ length: 4 }, async () => databaseResults(await open(), oneTenant)),
    );
    const jobs = ['one', 'two', 'three'];
    const all = jobs.flatMap((job) => rowsOf(job, 120));
    const folds = replicas.map(async (results, replica) => {
      let stored = 0;
      for (const batch of batches(shuffled(all, replica + 1), 40))
        stored += (await results.fold(batch, 1)).stored;
      return stored;
    });
    const stored = await Promise.all(folds);
    expect(stored.reduce((sum, n) => sum + n, 0)).toBe(all.length);
    for (const job of jobs) {
      for (const totals of (await replicas[0]?.totals(job)) ?? []) {
        expect(totals).toMatchObject({
          scored: 40,
          promptTokens: 400,
          metrics: { 'acc,none': { n: 40, sum: 20 } },
        });
      }
    }
  });

  it('never waits in a circle for new tasks that come to two reporters in opposite orders', async () => {
    const [a, b] = await two();
    const fold = (results: Results, ...names: string[]) =>
      results.fold(
        names.map((task) => row({ job: 'meet', task })),
        1,
      );
    await fold(a, 'first');
    const held = "insert into tasks (job, epoch, task, docs) values ('meet', 0, 'held', '')";
    await whileHeld(url, held, async (other) => {
      const first = fold(a, 'x', 'held', 'y');
      await waitsForLock(other, 1);
      const second = fold(b, 'y', 'x');
      await waitsForLock(other, 2);
      await other.query('rollback');
      expect(await first).toMatchObject({ stored: 3 });
      expect(await second).toMatchObject({ duplicates: 2 });
    });
    expect((await a.totals('meet')).map(({ task }) => task)).toEqual(['first', 'x', 'held', 'y']);
    expect(await deadlocks()).toBe(0);
  });

  it('never waits in a circle for scores that come to two reporters in opposite orders', async () => {
    const [a, b] = await two();
    for (let round = 0; round < 5; round += 1) {
      const job = `opposite${round}`;
      await a.fold([row({ job, doc: 5_000 })], 1);
      const rows = Array.from({ length: 1_000 }, (_, doc) => row({ job, doc }));
      const [one, other] = await Promise.all([a.fold(rows, 1), b.fold(rows.toReversed(), 1)]);
      expect(one.stored + other.stored).toBe(1_000);
    }
    expect(await deadlocks()).toBe(0);
  });

  it('makes a scoring final only after the folds that began before, and takes nothing into it after', async () => {
    const [a, b] = await two();
    await a.fold(rowsOf('final', 3), 1);
    let done = false;
    await whileHeld(url, 'lock table scores in access exclusive mode', async (other) => {
      const folding = b.fold([row({ job: 'final', doc: 5 })], 1);
      await waitsForLock(other, 1);
      const finishing = a.finish(finalOf('final'), 2).finally(() => (done = true));
      await Promise.race([waitsForLock(other, 2), finishing]);
      // Which of two connections is heard first afterwards says nothing.
      expect(done).toBe(false);
      await other.query('commit');
      expect(await folding).toEqual({ stored: 1, duplicates: 0, late: 0 });
      await finishing;
    });
    expect(await b.fold([row({ job: 'final', doc: 6 })], 1)).toEqual({ stored: 0, duplicates: 0, late: 1 });
  });

  it('folds again what the server gave up for the sake of another transaction', async () => {
    const results = databaseResults(await open(), oneTenant);
    await results.fold([row({ job: 'clash', task: 'a' }), row({ job: 'clash', task: 'b' })], 1);
    await whileHeld(url, "update tasks set scored = scored where task = 'b'", async (other) => {
      await other.query("set deadlock_timeout = '1h'");
      const rows = ['a', 'b'].map((task) => row({ job: 'clash', task, doc: 1 }));
      const folding = results.fold(rows, 1);
      await waitsForLock(other, 1);
      await other.query("update tasks set scored = scored where task = 'a'");
      await other.query('commit');
      expect(await folding).toEqual({ stored: 2, duplicates: 0, late: 0 });
    });
    expect((await results.totals('clash')).map(({ scored: n }) => n)).toEqual([2, 2]);
    expect(await deadlocks()).toBe(1);
  });

  it('says that it is not available when a statement takes too long or no connection is free, and goes on', async () => {
    const results = databaseResults(
      await open({ connections: 1, statementTimeoutMs: 1_500, connectTimeoutMs: 500 }),
      oneTenant,
    );
    await results.fold(rowsOf(KEY.job, 3), 1);
    await whileHeld(url, 'lock table scores in access exclusive mode', async (other) => {
      const folding = results.fold([row({ ...KEY, doc: 9 })], 1);
      await waitsForLock(other, 1);
      await expect(results.check()).rejects.toMatchObject(gone('timeout exceeded'));
      await expect(folding).rejects.toMatchObject(gone('statement timeout'));
    });
    expect(await results.fold([row({ ...KEY, doc: 9 })], 1)).toEqual({ stored: 1, duplicates: 0, late: 0 });
  });

  it('is given up within the deadline when it says nothing', async () => {
    const silence = await silentServer();
    const at = serverSettings(url.replace(String(server.port), String(silence.port)), {
      connectTimeoutMs: 500,
    });
    const before = performance.now();
    await expect(openServer(at, silent)).rejects.toMatchObject(gone('timeout'));
    expect(performance.now() - before).toBeLessThan(5_000);
    await silence.close();
    await expect(openServer(at, silent)).rejects.toMatchObject(gone('ECONNREFUSED'));
  });

  it.each(['SIGQUIT', 'SIGKILL'] as const)(
    'loses and doubles nothing over a %s in the middle of folds',
    async (signal) => {
      const replicas = await Promise.all([1, 2].map(async () => databaseResults(await open(), oneTenant)));
      const all = rowsOf(KEY.job, 3_000);
      let acknowledged = 0;
      const folds = replicas.map(async (results, replica) => {
        for (const batch of batches(shuffled(all, replica + 1), 50)) {
          await untilFolded(results, batch);
          acknowledged += 1;
        }
      });
      for (let round = 1; round <= 3; round += 1) {
        const next = acknowledged + 8;
        await vi.waitUntil(() => acknowledged >= next, { timeout: 30_000, interval: 1 });
        await server.kill(signal);
        await expect(replicas[0]?.check()).rejects.toMatchObject({
          reason: 'DATABASE_UNAVAILABLE',
          permanent: false,
        });
        await server.restart();
      }
      await Promise.all(folds);
      for (const task of ['a', 'b', 'c']) {
        const totals = (await replicas[0]?.totals(KEY.job))?.find((entry) => entry.task === task);
        expect(totals).toMatchObject({
          scored: 1_000,
          promptTokens: 10_000,
          metrics: { 'acc,none': { n: 1_000 } },
        });
        expect(await replicas[1]?.rows({ ...KEY, task }, 0, 1e6)).toHaveLength(1_000);
      }
    },
  );
});

function finalOf(job: string): FinalResult {
  return { job, epoch: 0, model: 'm', tasks: [], resultsJson: '{}', markdown: '', files: [] };
}

function gone(words: string): object {
  return { reason: 'DATABASE_UNAVAILABLE', permanent: false, message: expect.stringContaining(words) };
}

async function untilFolded(results: Results, batch: readonly ScoreRow[]): Promise<void> {
  for (;;) {
    try {
      await results.fold(batch, 1);
      return;
    } catch (error) {
      expect(error).toMatchObject({ reason: 'DATABASE_UNAVAILABLE', permanent: false });
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  }
}
