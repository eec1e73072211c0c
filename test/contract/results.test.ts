import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '@assay/lib/log';
import { openEmbedded } from '../../services/reporter/adapters/embedded-database.ts';
import { memoryResults } from '../../services/reporter/adapters/memory-results.ts';
import { databaseResults } from '../../services/reporter/adapters/results.ts';
import { openServer } from '../../services/reporter/adapters/server-database.ts';
import type { FinalResult, Results } from '../../services/reporter/ports.ts';
import { row, scored, unscored } from '../../services/reporter/testing/builders.ts';
import { findPostgres, serverSettings, startPostgres, type PostgresServer } from '../support/postgres.ts';

const folders: string[] = [];
const programs = await findPostgres('the contract of results on a PostgreSQL server');
const postgres = programs === null ? null : await startPostgres(programs);
const adapters: readonly (readonly [string, () => Promise<Results>])[] = [
  ['memory', async () => memoryResults(tenantOf)],
  [
    'embedded database',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'assay-results-'));
      folders.push(folder);
      return databaseResults(await openEmbedded(folder, process.pid), tenantOf);
    },
  ],
  ...(postgres === null ? [] : [['PostgreSQL server', () => onServer(postgres)] as const]),
];

async function onServer(server: PostgresServer): Promise<Results> {
  const settings = serverSettings(await server.database());
  const log = createLog({ service: 'test', level: 'silent' });
  return databaseResults(await openServer(settings, log), tenantOf);
}

afterAll(async () => {
  await postgres?.stop();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

let jobs = 0;
function newJob(): string {
  jobs += 1;
  return `job${String(jobs).padStart(9, 'a')}`;
}

/** Another tenant's jobs begin with its name. */
async function tenantOf(job: string): Promise<string> {
  return job.startsWith('other') ? 'other' : 'default';
}

function final(job: string, epoch = 0): FinalResult {
  const file = { name: 'results.json', path: '/r/results.json', bytes: 2 };
  return {
    job,
    epoch,
    model: 'm',
    tasks: [],
    resultsJson: '{"a": "\\u0000"}',
    markdown: '# m',
    files: [file],
  };
}

describe.each(adapters)('results in %s', (_, open) => {
  let results: Results;
  beforeAll(async () => {
    results = await open();
  });
  afterAll(async () => {
    await results.close();
  });

  it('counts a score once, however often and in whatever batches it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.record({ doc: fc.nat(6), repeat: fc.nat(2) }), { maxLength: 12 }), {
          maxLength: 6,
        }),
        async (batches) => {
          const job = newJob();
          const seen = new Set<string>();
          for (const batch of batches) {
            const rows = batch.map(({ doc, repeat }) =>
              row({ job, doc, repeat, outcome: scored({ 'pass,none': doc % 2 }) }),
            );
            const before = seen.size;
            for (const { doc, repeat } of rows) seen.add(`${doc} ${repeat}`);
            const counts = await results.fold(rows, 1);
            const stored = seen.size - before;
            expect(counts).toEqual({ stored, duplicates: rows.length - stored, late: 0 });
          }
          const [totals] = await results.totals(job);
          const sum = [...seen].filter((key) => Number(key.split(' ')[0]) % 2 === 1).length;
          expect(totals?.scored ?? 0).toBe(seen.size);
          expect(totals?.metrics['pass,none'] ?? { n: 0, sum: 0, sumSquares: 0 }).toEqual({
            n: seen.size,
            sum,
            sumSquares: sum,
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('counts a score once when many fold at once, and lists tasks in the order in which they appeared', async () => {
    const job = newJob();
    await results.fold([row({ job, task: 'b' }), row({ job, task: 'a' })], 1);
    const rows = Array.from({ length: 60 }, (_, i) => row({ job, task: i % 2 === 0 ? 'a' : 'b', doc: i }));
    const folds = Array.from({ length: 6 }, (_, i) =>
      results.fold(i % 2 === 0 ? rows.slice(i * 5) : rows.toReversed(), 1),
    );
    const counts = await Promise.all(folds);
    expect(counts.reduce((sum, { stored }) => sum + stored, 0)).toBe(59);
    const totals = await results.totals(job);
    expect(totals.map(({ task, scored: n }) => [task, n])).toEqual([
      ['b', 31],
      ['a', 30],
    ]);
  });

  it('keeps scored and unscored apart, with reasons, tokens and truncated prompts', async () => {
    const job = newJob();
    await results.fold(
      [
        row({ job, doc: 0, outcome: scored({ 'acc,none': 0.5 }) }),
        row({ job, doc: 1, outcome: unscored('TIMED_OUT'), truncatedTokens: 4 }),
        row({ job, doc: 2, outcome: unscored('TIMED_OUT') }),
      ],
      1,
    );
    expect(await results.totals(job)).toMatchObject([
      {
        task: 'toy',
        scored: 1,
        unscored: 2,
        promptTokens: 30,
        completionTokens: 6,
        truncatedPrompts: 1,
        metrics: { 'acc,none': { n: 1, sum: 0.5, sumSquares: 0.25 } },
        reasons: { TIMED_OUT: 2 },
      },
    ]);
  });

  it('gives back rows as they were stored, in document and repeat order', async () => {
    const job = newJob();
    const rows = [
      row({
        job,
        doc: 2,
        repeat: 1,
        outcome: scored({ 'pass,none': 1 }, { none: 'NUL \0 "quoted" \u2028 \ud83d\ude00' }),
      }),
      row({ job, doc: 2, repeat: 0, outcome: unscored('SANDBOX_FAULT', 'broke \0 down') }),
      row({ job, doc: 0, repeat: 0, outcome: scored({}, { none: ['a', null, 1.5] }), index: 7 }),
      row({ job, doc: 5, repeat: 0 }),
    ];
    await results.fold(rows, 1);
    const key = { job, epoch: 0, task: 'toy' };
    expect(await results.rows(key, 0, 3)).toEqual([rows[2], rows[1], rows[0]]);
    expect(await results.rowsOf(key, [5, 2])).toEqual([rows[1], rows[0], rows[3]]);
    expect(await results.rowsOf(key, [])).toEqual([]);
  });

  it('counts documents by how many of their repeats passed', async () => {
    const job = newJob();
    const outcomes = [
      [1, 0],
      [1, 1],
      [0, 1],
    ];
    await results.fold(
      outcomes.flatMap((repeats, doc) =>
        repeats.map((pass, repeat) => row({ job, doc, repeat, outcome: scored({ 'pass,none': pass }) })),
      ),
      1,
    );
    await results.fold([row({ job, doc: 3, repeat: 0, outcome: unscored() })], 1);
    expect(await results.passCounts({ job, epoch: 0, task: 'toy' }, 'pass,none')).toEqual([
      { n: 2, passed: 1, docs: 2 },
      { n: 2, passed: 2, docs: 1 },
    ]);
  });

  it('keeps the scorings of a job apart and shows the latest', async () => {
    const job = newJob();
    await results.fold([row({ job, epoch: 0, outcome: scored({ 'acc,none': 0 }) })], 1);
    await results.fold([row({ job, epoch: 1, outcome: scored({ 'acc,none': 1 }) })], 1);
    expect(
      (await results.totals(job)).map(({ epoch, metrics }) => [epoch, metrics['acc,none']?.sum]),
    ).toEqual([[1, 1]]);
    expect((await results.totals(job, 0)).map(({ metrics }) => metrics['acc,none']?.sum)).toEqual([0]);
  });

  it('ignores late scores of a scoring that is final, and takes those of a new one', async () => {
    const job = newJob();
    await results.fold([row({ job, doc: 0 })], 1);
    await results.finish(final(job), 2);
    expect(await results.fold([row({ job, doc: 1 }), row({ job, doc: 0 })], 3)).toEqual({
      stored: 0,
      duplicates: 0,
      late: 2,
    });
    expect(await results.fold([row({ job, doc: 0, epoch: 1 })], 3)).toEqual({
      stored: 1,
      duplicates: 0,
      late: 0,
    });
  });

  it('stores a final result that a later scoring replaces and an earlier one does not', async () => {
    const job = newJob();
    await results.finish(final(job, 1), 5);
    await results.finish(final(job, 0), 6);
    expect(await results.run(job)).toEqual({
      job,
      tenant: 'default',
      createdAt: 5,
      final: final(job, 1),
    });
    await results.finish(final(job, 2), 7);
    expect((await results.run(job))?.final?.epoch).toBe(2);
  });

  it('knows nothing of an unknown job', async () => {
    expect(await results.run('nowhere')).toBeNull();
    expect(await results.totals('nowhere')).toEqual([]);
    expect(await results.rows({ job: 'nowhere', epoch: 0, task: 'toy' }, 0, 10)).toEqual([]);
  });

  it('pages through runs, newest first, and through those of one moment too', async () => {
    const later = 1e9;
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) {
      const job = newJob();
      made.push(job);
      await results.fold([row({ job })], later + Math.floor(i / 2));
    }
    const seen: string[] = [];
    let next: Awaited<ReturnType<Results['runs']>>['next'] = null;
    do {
      const page = await results.runs('default', 2, next);
      seen.push(...page.runs.map(({ job }) => job));
      next = page.next;
    } while (next !== null && seen.length < made.length);
    expect(seen.slice(0, 5)).toEqual(made.toReversed());
  });

  it('keeps the runs of tenants apart, also where a page of one begins in the middle of the other', async () => {
    const moment = 2e9;
    const own = [newJob(), newJob(), newJob()];
    const others = own.map((job) => `other${job}`);
    for (const job of [...own, ...others]) await results.fold([row({ job })], moment);
    await results.finish(final('otherfinal'), moment - 1);
    expect(await results.run(others[0] ?? '')).toMatchObject({ tenant: 'other', final: null });
    expect(await results.run('otherfinal')).toMatchObject({ tenant: 'other' });
    const first = await results.runs('default', 2, null);
    expect(first.runs.map(({ job }) => job)).toEqual(own.toReversed().slice(0, 2));
    const listed = async (tenant: string) =>
      (await results.runs(tenant, 10, null)).runs.map(({ job }) => job);
    expect(await listed('other')).toEqual([...others.toReversed(), 'otherfinal']);
    const after = await results.runs('other', 10, first.next);
    for (const { job } of after.runs) expect(job).toMatch(/^other/);
    expect(await listed('')).toEqual([]);
  });
});
