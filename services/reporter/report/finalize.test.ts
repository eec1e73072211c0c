import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { systemClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { memoryResults } from '../adapters/memory-results.ts';
import { reportFolder } from '../adapters/report-folder.ts';
import {
  blobs,
  finalRequest,
  memoryGenerations,
  row,
  scored,
  toyTask,
  unscored,
  type ToyTask,
} from '../testing/builders.ts';
import { finalize, type FinalizeOptions } from './finalize.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-report-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function setting(store: ReturnType<typeof blobs>, tasks: readonly ToyTask[]): Promise<FinalizeOptions> {
  return {
    results: memoryResults(),
    generations: memoryGenerations(tasks.flatMap(({ generations }) => generations)),
    blobs: store,
    reports: await reportFolder(folder),
    clock: systemClock,
    log: createLog({ service: 'test', level: 'silent' }),
    waitMs: 0,
  };
}

async function contents(job: string): Promise<Record<string, string>> {
  const names = (await readdir(join(folder, job))).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, job, name), 'utf8')));
  return Object.fromEntries(names.map((name, i) => [name, texts[i] ?? '']));
}

const CODE = {
  per: 'sample' as const,
  pipelines: [{ name: 'none', steps: [] }],
  metrics: [1, 2].map((k) => ({
    metric: `pass@${k}`,
    aggregation: 'pass_at_k',
    higherIsBetter: true,
    args: { k },
  })),
};

function toys(store: ReturnType<typeof blobs>): readonly ToyTask[] {
  return [
    toyTask(store.put, { task: 'toy', docs: 11, shard: 4 }),
    toyTask(store.put, {
      task: 'code',
      docs: 5,
      repeats: 3,
      scoring: CODE,
      outcome: (doc, repeat) =>
        doc === 4 && repeat === 2
          ? unscored('SANDBOX_FAULT')
          : scored({ 'pass,none': (doc + Number(repeat)) % 2 }, { none: 'x' }),
    }),
  ];
}

describe('finalize', () => {
  it('gives the same bytes whatever order and batches the scores arrived in', async () => {
    const store = blobs();
    const tasks = toys(store);
    const request = finalRequest(store.put, tasks);
    const all = tasks.flatMap(({ scores }) => scores.map((score) => row(score)));
    let expected: Record<string, string> | undefined;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.nat(all.length),
        async (order, cut) => {
          const options = await setting(store, tasks);
          await options.results.fold(order.slice(0, cut), 1);
          await options.results.fold(order.slice(Math.max(0, cut - 3)), 2);
          await finalize(options, request);
          const found = await contents(request.job);
          expected ??= found;
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 12 },
    );
    expect(Object.keys(expected ?? {})).toEqual([
      'report.md',
      'results_2026-01-02T03-05-06.700000.json',
      'samples_code_2026-01-02T03-05-06.700000.jsonl',
      'samples_toy_2026-01-02T03-05-06.700000.jsonl',
    ]);
  });

  it('hashes every line of the samples file, which holds each pipeline in document order', async () => {
    const store = blobs();
    const tasks = [toyTask(store.put, { docs: 11, shard: 4 })];
    const options = await setting(store, tasks);
    await options.results.fold(
      tasks.flatMap(({ scores }) => scores.map((score) => row(score))),
      1,
    );
    const { resultsJson, job } = await finalize(options, finalRequest(store.put, tasks));
    const file = Object.entries(await contents(job)).find(([name]) => name.startsWith('samples'))?.[1] ?? '';
    const lines = file
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);
    const docs = Array.from({ length: 11 }, (_, i) => i);
    expect(lines.map((line) => [line['doc_id'], line['filter']])).toEqual([
      ...docs.map((doc) => [doc, 'strict']),
      ...docs.map((doc) => [doc, 'flex']),
    ]);
    const hash = createHash('sha256');
    for (const line of lines) hash.update(`${line['doc_hash']}${line['prompt_hash']}${line['target_hash']}`);
    expect(JSON.parse(resultsJson)).toMatchObject({ task_hashes: { toy: hash.digest('hex') } });
  });

  it('leaves unscored documents out of the score, lowers the coverage and says why', async () => {
    const store = blobs();
    const outcome = (doc: number) =>
      doc < 2 ? unscored('TIMED_OUT') : scored({ 'exact_match,strict': 1, 'exact_match,flex': 0 }, {});
    const tasks = [toyTask(store.put, { docs: 8, outcome })];
    const options = await setting(store, tasks);
    await options.results.fold(
      tasks.flatMap(({ scores }) => scores.map((score) => row(score))),
      1,
    );
    const final = await finalize(options, finalRequest(store.put, tasks));
    expect(final.tasks).toMatchObject([
      {
        docs: 8,
        expected: 8,
        scored: 6,
        unscored: 2,
        reasons: { TIMED_OUT: 2 },
        metrics: [
          { filter: 'strict', value: 1, stderr: 0, n: 6 },
          { filter: 'flex', value: 0, stderr: 0, n: 6 },
        ],
      },
    ]);
    expect(final.markdown).toContain('| 75.0 % |');
    expect(final.markdown).toContain('| toy | TIMED_OUT | 2 |');
  });

  it('combines the repeats of a code task into pass@k, and leaves out documents with fewer scored than k', async () => {
    const store = blobs();
    const passes = [
      [1, 0],
      [0, 0],
    ];
    const tasks = [
      toyTask(store.put, {
        docs: 3,
        repeats: 2,
        scoring: CODE,
        outcome: (doc, repeat) =>
          doc === 2 && repeat === 1
            ? unscored()
            : scored({ 'pass,none': passes[doc]?.[Number(repeat)] ?? 1 }, { none: 'x' }),
      }),
    ];
    const options = await setting(store, tasks);
    await options.results.fold(
      tasks.flatMap(({ scores }) => scores.map((score) => row(score))),
      1,
    );
    const final = await finalize(options, finalRequest(store.put, tasks));
    expect(final.tasks[0]?.metrics).toMatchObject([
      { metric: 'pass@1', value: 0.5, n: 3 },
      { metric: 'pass@2', value: 0.5, n: 2 },
    ]);
  });

  it('asks to be called again while scores are missing, and leaves nothing behind', async () => {
    const store = blobs();
    const tasks = [toyTask(store.put)];
    const options = await setting(store, tasks);
    const rows = tasks.flatMap(({ scores }) => scores.map((score) => row(score)));
    await options.results.fold(rows.slice(1), 1);
    const request = finalRequest(store.put, tasks);
    await expect(finalize(options, request)).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
      permanent: false,
      message: 'scores are still being stored (toy: 6 of 7)',
    });
    await options.results.fold(rows, 1);
    await expect(finalize({ ...options, generations: memoryGenerations([]) }, request)).rejects.toMatchObject(
      { reason: 'UNAVAILABLE', permanent: false },
    );
    expect(await readdir(folder)).toEqual([]);
    await finalize(options, request);
    expect(await readdir(folder)).toEqual([request.job]);
  });

  it('answers a second call from what is stored, even when the ledger is purged', async () => {
    const store = blobs();
    const tasks = [toyTask(store.put)];
    const options = await setting(store, tasks);
    await options.results.fold(
      tasks.flatMap(({ scores }) => scores.map((score) => row(score))),
      1,
    );
    const request = finalRequest(store.put, tasks);
    const first = await finalize(options, request);
    expect(await finalize({ ...options, generations: memoryGenerations([]) }, request)).toEqual(first);
  });

  it('replaces a report that was written but not recorded', async () => {
    const store = blobs();
    const tasks = [toyTask(store.put)];
    const options = await setting(store, tasks);
    await options.results.fold(
      tasks.flatMap(({ scores }) => scores.map((score) => row(score))),
      1,
    );
    const request = finalRequest(store.put, tasks);
    const broken = { ...options.results, finish: () => Promise.reject(new Error('killed')) };
    await expect(finalize({ ...options, results: broken }, request)).rejects.toThrow('killed');
    const first = await contents(request.job);
    await finalize(options, request);
    expect(await contents(request.job)).toEqual(first);
    expect(await readdir(folder)).toEqual([request.job]);
  });

  it('refuses a plan of another job, and counts that leave a task out', async () => {
    const store = blobs();
    const tasks = [toyTask(store.put)];
    const options = await setting(store, tasks);
    await expect(
      finalize(options, { ...finalRequest(store.put, tasks), job: 'another' }),
    ).rejects.toMatchObject({ reason: 'INVALID_REQUEST', violations: [{ field: 'plan' }] });
    await expect(finalize(options, { ...finalRequest(store.put, tasks), counts: [] })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'counts' }],
    });
  });
});
