import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { call } from '@assay/lib/rpc';
import { finalRequest, score, scored, toyTask, unscored } from '../../services/reporter/testing/builders.ts';
import { expectedReport, message, reportOf } from './reporter-report.ts';
import { lines, metric, startWorld, until, type World } from './reporter-world.ts';

// Each start of the database is seconds of work, more when other tests run beside it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.end();
});

describe('a reporter that is killed', () => {
  it('counts every score once, over kills between commit and acknowledgement', async () => {
    const { put, written } = world.blobs();
    const { plan, scores } = toyTask(put, { job: 'exactlyonce', docs: 4_500, shard: 256 });
    await written();
    let killed = 0;
    for (let round = 0; round < 3; round += 1) {
      await world.store(scores.slice(round * 1_500, (round + 1) * 1_500));
      await world.arm('reporter.aggregate.committed');
      const { ended } = world.spawn();
      expect(await ended).toEqual([null, 'SIGKILL']);
      killed += 1;
    }
    expect(killed).toBe(3);
    const reporter = await world.start();
    const answer = () => call(reporter.client, 'getResult', { jobId: 'exactlyonce' }, { deadlineMs: 5_000 });
    await until(async () => (await answer()).result?.tasks[0]?.scored === 4_500n);
    expect((await answer()).result).toMatchObject({
      final: false,
      tasks: [
        {
          task: plan.task,
          scored: 4_500n,
          unscored: 0n,
          promptTokens: 45_000n,
          metrics: [
            { metric: 'exact_match', filter: 'strict', value: 1 / 3, n: 4_500n },
            { metric: 'exact_match', filter: 'flex', value: 2 / 3, n: 4_500n },
          ],
        },
      ],
    });
    // The batch of the last kill was stored and came again.
    expect(await metric(reporter, 'duplicates_total')).toBeGreaterThan(0);
    expect(await reporter.stop()).toEqual([0, null]);
  });

  it('stores the same report as an undisturbed run, over a kill before Finalize is answered', async () => {
    const { put, written } = world.blobs();
    const job = 'finaljob';
    const tasks = [
      toyTask(put, {
        job,
        task: 'gen',
        docs: 300,
        shard: 64,
        text: (doc) => (doc === 3 ? 'NUL \0 \u2028 é' : `a ${doc}`),
      }),
      toyTask(put, {
        job,
        task: 'code',
        docs: 40,
        repeats: 3,
        scoring: {
          per: 'sample',
          pipelines: [{ name: 'none', steps: [] }],
          metrics: [{ metric: 'pass@1', aggregation: 'pass_at_k', higherIsBetter: true, args: { k: 1 } }],
        },
        outcome: (doc, repeat) =>
          doc === 7
            ? unscored('SANDBOX_FAULT')
            : scored({ 'pass,none': (doc + Number(repeat)) % 2 }, { none: 'x\0' }),
      }),
    ];
    const request = finalRequest(put, tasks);
    await written();
    const generations = world.bus.generations('p0');
    await Promise.all(tasks.flatMap((task) => task.generations.map((entry) => generations.store(entry))));
    await world.store(tasks.flatMap(({ scores }) => scores.toReversed()));

    const first = await world.start();
    await world.arm('reporter.report.stored');
    const lost = call(first.client, 'finalize', message(request), { deadlineMs: 60_000 });
    await expect(lost).rejects.toMatchObject({ permanent: false });
    expect(await first.ended).toEqual([null, 'SIGKILL']);
    first.client.close();
    const stored = await reportOf(join(world.folder, 'reports', job));

    const second = await world.start();
    const answer = await call(second.client, 'finalize', message(request), { deadlineMs: 60_000 });
    expect(await reportOf(join(world.folder, 'reports', job))).toEqual(stored);
    expect(stored).toEqual(await expectedReport(world.folder, tasks, request));
    expect(answer.files.map(({ name }) => name)).toEqual(Object.keys(stored));

    await world.store([score({ job, task: 'gen', doc: 9_999 })]);
    await until(async () => (await metric(second, 'late_scores_total')) === 1);
    const { result } = await call(second.client, 'getResult', { jobId: job }, { deadlineMs: 5_000 });
    expect(result).toMatchObject({
      final: true,
      model: 'org/toy-model',
      reportMarkdown: stored['report.md'],
    });
    expect(result?.tasks.map(({ task, expected, scored: n, unscored: u }) => [task, expected, n, u])).toEqual(
      [
        ['gen', 300n, 300n, 0n],
        ['code', 120n, 117n, 3n],
      ],
    );
    expect(await lines(second, { jobId: job, task: 'gen' })).toHaveLength(600);
    expect(await lines(second, { jobId: job, unscoredOnly: true })).toMatchObject([
      { doc_id: 7, metrics: [] },
    ]);
    const failed = await lines(second, { jobId: job, task: 'gen', failedOnly: true });
    expect(failed).toHaveLength(300);
    expect(failed.every((line) => line['exact_match'] === 0)).toBe(true);
    await second.stop();
  });
});
