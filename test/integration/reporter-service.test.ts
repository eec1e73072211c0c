import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { JOBS, WORKERS } from '@assay/lib/bus';
import type { JobRecord } from '@assay/lib/domain';
import { call, connectRpc } from '@assay/lib/rpc';
import { ResultServiceClient, type FinalizeRequest } from '@assay/proto/assay/v1/result';
import { toyTask } from '../../services/reporter/testing/builders.ts';
import { lines, startWorld, until, type World } from './reporter-world.ts';

// Each start of the database is seconds of work, more when other tests run beside it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.end();
});

describe('the reporter', () => {
  it('shows a job that runs: its model, what is expected, what is scored, and the samples so far in order', async () => {
    const { put, written } = world.blobs();
    const job = 'livejob';
    const { plan, scores, generations } = toyTask(put, { job, docs: 20, shard: 6 });
    const ref = put(plan);
    await written();
    const counts = { task: 'toy', samples: 20, scores: 20 };
    const waiting = { name: 'later', published: 0, counts: { task: 'later', samples: 5, scores: 5 } };
    await world.bus
      .kv(JOBS)
      .create(job, jobRecord(job, { tasks: [{ name: 'toy', plan: ref, counts, published: 4 }, waiting] }));
    await Promise.all(generations.map((entry) => world.bus.generations('p0').store(entry)));
    const reporter = await world.start();
    const answer = async () =>
      (await call(reporter.client, 'getResult', { jobId: job }, { deadlineMs: 5_000 })).result;
    expect((await answer())?.tasks.map(({ task, expected }) => [task, expected])).toEqual([
      ['toy', 20n],
      ['later', 5n],
    ]);
    await world.store(scores.filter(({ doc }) => doc >= 10));
    await until(async () => (await answer())?.tasks[0]?.scored === 10n);
    expect(await answer()).toMatchObject({
      final: false,
      model: 'toy-model',
      tasks: [
        { task: 'toy', docs: 20n, expected: 20n, coverage: 0.5 },
        { task: 'later', scored: 0n },
      ],
    });
    const strict = (await lines(reporter, { jobId: job })).filter((line) => line['filter'] === 'strict');
    expect(strict.map((line) => line['doc_id'])).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(
      (await call(reporter.client, 'listResults', { pageSize: 1, pageToken: '' }, { deadlineMs: 5_000 }))
        .results,
    ).toMatchObject([{ jobId: job, final: false }]);
    await until(async () => {
      for await (const key of world.bus.kv(WORKERS).keys()) if (key.startsWith('reporter-')) return true;
      return false;
    });
    expect((await fetch(`http://${reporter.ops}/readyz`)).status).toBe(200);
    await reporter.stop();
  });

  it('names every wrong field, what is not there, and a missing token', async () => {
    const reporter = await world.start();
    const { client } = reporter;
    const settings = { deadlineMs: 5_000 };
    await expect(call(client, 'getResult', { jobId: '../etc' }, settings)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: [{ field: 'job_id' }],
    });
    await expect(call(client, 'getResult', { jobId: 'nowhere' }, settings)).rejects.toMatchObject({
      reason: 'NOT_FOUND',
    });
    await expect(
      call(client, 'listResults', { pageSize: 501, pageToken: 'x' }, settings),
    ).rejects.toMatchObject({
      violations: [{ field: 'page_size' }, { field: 'page_token' }],
    });
    await expect(lines(reporter, { jobId: 'nowhere' })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    await expect(
      lines(reporter, { jobId: 'finaljob', failedOnly: true, unscoredOnly: true }),
    ).rejects.toMatchObject({
      violations: [{ field: 'failed_only' }, { field: 'unscored_only' }],
    });
    const empty: FinalizeRequest = {
      jobId: '',
      partition: 'p9',
      epoch: -1,
      plan: 'x',
      counts: [],
      model: '',
      serverKind: '',
      endpoint: '',
      seed: 0n,
      startTime: undefined,
      endTime: undefined,
      provenance: {},
    };
    await expect(call(client, 'finalize', empty, settings)).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      violations: ['job_id', 'partition', 'epoch', 'plan', 'counts', 'start_time', 'end_time'].map(
        (field) => ({ field }),
      ),
    });
    const stranger = connectRpc(ResultServiceClient, reporter.rpc);
    await expect(call(stranger, 'getResult', { jobId: 'finaljob' }, settings)).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
    stranger.close();

    const other = world.spawn();
    expect(await other.ended).toEqual([1, null]);
    expect(other.output()).toContain(`process ${reporter.pid} has it open`);
    expect(await reporter.stop()).toEqual([0, null]);
  });
});

function jobRecord(job: string, parts: Partial<JobRecord>): JobRecord {
  return {
    v: 1,
    id: job,
    partition: 'p0',
    spec: {
      tenant: 'default',
      requestId: 'r',
      target: { type: 'endpoint', baseUrl: 'http://127.0.0.1:1/v1', model: 'toy-model' },
      tasks: [],
      bundle: `sha256:${'0'.repeat(64)}`,
      seed: 1,
      contentHash: '',
      maxConcurrency: 0,
    },
    state: 'RUNNING',
    reason: '',
    detail: '',
    transitions: [],
    tasks: [],
    reservedBytes: 0,
    scoringEpoch: 0,
    epoch: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    cancelRequested: false,
    purged: false,
    audits: 0,
    ...parts,
  };
}
