import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openEmbedded } from '../../services/reporter/adapters/embedded-database.ts';
import { databaseResults } from '../../services/reporter/adapters/results.ts';
import { oneTenant, row } from '../../services/reporter/testing/builders.ts';

const REPORTER = resolve(import.meta.dirname, '../../services/reporter');
const MIGRATIONS = join(REPORTER, 'adapters/migrations');

// Each start of the database is seconds of work, more when other tests run beside it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

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
      const results = databaseResults(await openEmbedded(join(folder, 'db'), process.pid), oneTenant);
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
    const steps = await stepsFolder();
    const old = await openEmbedded(join(folder, 'db'), process.pid, steps);
    await old.db.execute("insert into runs (job, tenant, created_at) values ('kept', 'a', 1)");
    await old.close();
    await addStep(steps, old.version + 1, 'alter table runs add column more text');
    const next = await openEmbedded(join(folder, 'db'), process.pid, steps);
    expect(next.version).toBe(old.version + 1);
    expect((await next.db.execute('select job, more from runs')).rows).toEqual([{ job: 'kept', more: null }]);
    await next.close();
    await expect(openEmbedded(join(folder, 'db'), process.pid)).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      permanent: true,
      message: expect.stringContaining(
        `it is at version ${old.version + 1} and this reporter knows ${old.version}`,
      ),
    });
  });

  it('gives what it holds from before there were tenants to the one that there was', async () => {
    const steps = await stepsFolder();
    for (const name of await readdir(steps)) if (!name.startsWith('0001')) await rm(new URL(name, steps));
    const old = await openEmbedded(join(folder, 'db'), process.pid, steps);
    await old.db.execute("insert into runs (job, created_at) values ('kept', 1)");
    await old.close();
    const results = databaseResults(await openEmbedded(join(folder, 'db'), process.pid), async () => 'other');
    await results.fold([row({ job: 'new' })], 2);
    expect((await results.runs('default', 10, null)).runs).toMatchObject([{ job: 'kept' }]);
    expect((await results.runs('other', 10, null)).runs).toMatchObject([{ job: 'new' }]);
    await results.close();
  });

  it('does a step whole or not at all', async () => {
    const steps = await stepsFolder();
    const first = await openEmbedded(join(folder, 'db'), process.pid, steps);
    await first.close();
    await addStep(steps, first.version + 1, 'create table half (a integer); create table half (a integer)');
    await expect(openEmbedded(join(folder, 'db'), process.pid, steps)).rejects.toThrow('half');
    await addStep(steps, first.version + 1, 'create table half (a integer)');
    const mended = await openEmbedded(join(folder, 'db'), process.pid, steps);
    expect(mended.version).toBe(first.version + 1);
    await mended.close();
  });

  it('is opened by one process at a time, and free again when a start fails', async () => {
    const open = await openEmbedded(join(folder, 'db'), process.pid);
    await expect(openEmbedded(join(folder, 'db'), process.pid)).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      message: expect.stringContaining('is locked'),
    });
    await open.db.execute("update assay_migrations set hash = 'another'");
    await open.close();
    for (let i = 0; i < 2; i += 1) {
      await expect(openEmbedded(join(folder, 'db'), process.pid)).rejects.toMatchObject({
        message: expect.stringContaining('is not the one of this reporter'),
      });
    }
  });
});

async function stepsFolder(): Promise<URL> {
  const steps = join(folder, 'steps');
  await cp(MIGRATIONS, steps, { recursive: true });
  return pathToFileURL(`${steps}/`);
}

async function addStep(steps: URL, version: number, text: string): Promise<void> {
  await writeFile(new URL(`${String(version).padStart(4, '0')}_more.sql`, steps), text);
}

/** Folds batches of 100 in a process of its own that is killed; gives how many scores it said were committed. */
async function foldUntilKilled(from: number, afterMs: number): Promise<number> {
  const url = (path: string): string => JSON.stringify(pathToFileURL(join(REPORTER, path)).href);
  const script = `
    const { openEmbedded } = await import(${url('adapters/embedded-database.ts')});
    const { databaseResults } = await import(${url('adapters/results.ts')});
    const { oneTenant, row } = await import(${url('testing/builders.ts')});
    const results = databaseResults(await openEmbedded(${JSON.stringify(join(folder, 'db'))}, process.pid), oneTenant);
    for (let from = ${from}; ; from += 100) {
      await results.fold(Array.from({ length: 100 }, (_, i) => row({ job: 'killedjob', doc: from + i })), 1);
      process.stdout.write(String(from + 100) + '\\n');
    }`;
  const spawned = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = spawned;
  let output = '';
  spawned.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(spawned, 'close');
  await Promise.race([once(spawned.stdout, 'data'), ended]);
  setTimeout(() => spawned.kill('SIGKILL'), afterMs);
  await ended;
  return Number(output.trimEnd().split('\n').at(-1));
}
