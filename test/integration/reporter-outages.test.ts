import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { call } from '@assay/lib/rpc';
import { finalRequest, scored, toyTask } from '../../services/reporter/testing/builders.ts';
import { findPostgres, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { expectedReport, message, reportOf } from './reporter-report.ts';
import { metric, startWorld, until, type Reporter, type World } from './reporter-world.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const programs = await findPostgres('the reporter while its PostgreSQL server is away');

describe.skipIf(programs === null)('the reporter while its database server is away', () => {
  let server: PostgresServer;
  let url: string;
  let world: World;
  let reporters: Reporter[] = [];
  const start = async (): Promise<Reporter> => {
    const reporter = await world.start();
    reporters.push(reporter);
    return reporter;
  };
  beforeAll(async () => {
    server = await startPostgres(programs ?? '');
    url = await server.database();
    world = await startWorld(url);
  });
  afterEach(async () => {
    for (const reporter of reporters) {
      expect(await reporter.stop()).toEqual([0, null]);
      expect(reporter.output()).toContain('"serves"');
      expect(reporter.output()).not.toContain(server.password);
    }
    reporters = [];
  });
  afterAll(async () => {
    await world.end();
    await server.stop();
  });

  it('loses and doubles no score over kills in the middle of folds of two replicas, and says that it waits', async () => {
    const { put, written } = world.blobs();
    const job = 'outagefolds';
    const { scores } = toyTask(put, { job, docs: 6_000, shard: 256 });
    await written();
    const [one, two] = [await start(), await start()];
    for (const [round, signal] of (['SIGQUIT', 'SIGKILL', 'SIGQUIT'] as const).entries()) {
      const folding = await holding(url, 'lock table scores in access exclusive mode');
      await world.store(scores.slice(round * 2_000, round * 2_000 + 1_000));
      await folding.waited();
      await server.kill(signal);
      await folding.end();
      for (const reporter of [one, two]) await until(async () => (await readiness(reporter)).status === 503);
      expect((await readiness(one)).text).toContain('the database does not answer');
      const asked = call(one.client, 'getResult', { jobId: job }, { deadlineMs: 10_000 });
      await expect(asked).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE', permanent: false });
      await world.store(scores.slice(round * 2_000 + 1_000, (round + 1) * 2_000));
      // One with an embedded database would have ended itself by then.
      if (round === 2) await until(async () => /"signs of life","failures":11/.test(one.output()));
      await server.restart();
    }
    const task = async () =>
      (await call(two.client, 'getResult', { jobId: job }, { deadlineMs: 10_000 })).result?.tasks[0];
    await until(async () => (await task())?.scored === 6_000n);
    expect(await task()).toMatchObject({
      scored: 6_000n,
      unscored: 0n,
      promptTokens: 60_000n,
      metrics: [
        { filter: 'strict', value: 1 / 3, n: 6_000n },
        { filter: 'flex', value: 2 / 3, n: 6_000n },
      ],
    });
    const folded = (await metric(one, 'scores_folded_total')) + (await metric(two, 'scores_folded_total'));
    expect(folded).toBeLessThanOrEqual(6_000);
    for (const reporter of [one, two]) await until(async () => (await readiness(reporter)).status === 200);
  });

  it.each([
    ['reads what is stored', 'lock table scores in access exclusive mode'],
    ['stores the result', "select from runs where job like 'outagefinal%' for update"],
  ])('stores the same report when it is cut off while it %s', async (_, lock) => {
    const { put, written } = world.blobs();
    const job = `outagefinal${lock.length}`;
    const tasks = [
      toyTask(put, { job, task: 'gen', docs: 200, shard: 64 }),
      toyTask(put, {
        job,
        task: 'vote',
        docs: 30,
        outcome: (doc) => scored({ 'acc,none': doc % 2 }, { none: 'x' }),
      }),
    ];
    const request = finalRequest(put, tasks);
    await written();
    const ledger = world.bus.generations('p0');
    await Promise.all(tasks.flatMap(({ generations }) => generations.map((entry) => ledger.store(entry))));
    await world.store(tasks.flatMap(({ scores }) => scores));
    const reporter = await start();
    const ask = () => call(reporter.client, 'finalize', message(request), { deadlineMs: 60_000 });
    await until(async () => (await metric(reporter, 'scores_folded_total')) === 230);

    const reading = await holding(url, lock);
    const cut = expect(ask()).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE', permanent: false });
    await reading.waited();
    await server.kill();
    await reading.end();
    await cut;
    await expect(ask()).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE', permanent: false });
    await server.restart();

    await ask();
    const stored = await reportOf(join(world.folder, 'reports', job));
    expect(stored).toEqual(await expectedReport(world.folder, tasks, request));
    const { result } = await call(reporter.client, 'getResult', { jobId: job }, { deadlineMs: 10_000 });
    expect(result).toMatchObject({ final: true, reportMarkdown: stored['report.md'] });
  });

  it('starts before its server does, and serves once that is there', async () => {
    await server.kill();
    const starting = start();
    await sleep(2_000);
    await server.restart();
    expect((await readiness(await starting)).status).toBe(200);
  });
});

async function readiness(reporter: Reporter): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://${reporter.ops}/readyz`);
  return { status: response.status, text: await response.text() };
}

interface Holding {
  /** Resolves when another connection waits for what is held. */
  waited(): Promise<void>;
  end(): Promise<void>;
}

/** Holds what the statement locks, in a transaction of its own. */
async function holding(url: string, lock: string): Promise<Holding> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // the server is killed under it
  await client.connect();
  await client.query('begin');
  await client.query(lock);
  const query = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'assay-reporter'`;
  return {
    waited: () =>
      until(async () => {
        await client.query('select pg_stat_clear_snapshot()');
        return (await client.query(query)).rows.length > 0;
      }),
    end: () => client.end(),
  };
}
