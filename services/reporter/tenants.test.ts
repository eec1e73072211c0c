import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobRecord } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { createLog } from '@assay/lib/log';
import { createMetrics } from '@assay/lib/metrics';
import { call, callStream, connectRpc, serveRpc, type RpcServer } from '@assay/lib/rpc';
import { ResultServiceClient } from '@assay/proto/assay/v1/result';
import { tenantsOf } from './adapters/jobs.ts';
import { memoryResults } from './adapters/memory-results.ts';
import type { FinalResult, Jobs, Results } from './ports.ts';
import { resultService } from './serve.ts';
import { blobs, row } from './testing/builders.ts';

const settings = { deadlineMs: 5_000 };
const log = createLog({ service: 'test', level: 'silent' });

let server: RpcServer;
let results: Results;
const clients: ResultServiceClient[] = [];

/** A reporter for which a token is its tenant's name, as a job's id is up to the dash. */
beforeEach(async () => {
  const jobs: Jobs = {
    async get(id) {
      const [tenant = ''] = id.split('-');
      if (tenant !== 'a' && tenant !== 'b') return null;
      const record: Partial<JobRecord> = { id, tasks: [] };
      const spec = { tenant, target: { model: 'm' } };
      return { ...record, spec, createdAt: new Date(0).toISOString() } as unknown as JobRecord;
    },
  };
  results = memoryResults(tenantsOf(jobs));
  const docs = blobs();
  server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics: createMetrics('test'),
    admission: {
      authenticate: async (tenant = '') => ({ tenant, user: tenant, groups: [] }),
      authorize: async () => undefined,
    },
    services: [
      resultService({
        results: { ...results, totals: async () => [] },
        blobs: docs,
        jobs,
        partitions: ['p0'],
        async *samples(job) {
          yield { task: 'toy', json: `{"sample of": "${job}"}` };
        },
        finalize: () => Promise.reject(new Error('nobody finalizes')),
        stored: () => undefined,
      }),
    ],
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close(500);
});

function tenant(token: string): ResultServiceClient {
  const client = connectRpc(ResultServiceClient, server.address, { token });
  clients.push(client);
  return client;
}

async function listed(client: ResultServiceClient, pageToken = '', pageSize = 0) {
  const answer = await call(client, 'listResults', { pageSize, pageToken }, settings);
  return { ids: answer.results.map(({ jobId }) => jobId), next: answer.nextPageToken };
}

async function samples(client: ResultServiceClient, jobId: string): Promise<string[]> {
  const lines: string[] = [];
  const request = { jobId, task: '', failedOnly: false, unscoredOnly: false };
  for await (const { json } of callStream(client, 'streamSamples', request, settings)) lines.push(json);
  return lines;
}

function final(job: string): FinalResult {
  return { job, epoch: 0, model: 'm', tasks: [], resultsJson: '{}', markdown: '# secret', files: [] };
}

async function fault(promise: Promise<unknown>): Promise<AssayError> {
  return promise.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => AssayError.from(error),
  );
}

describe('a result', () => {
  it.each([
    ['that is final', async () => results.finish(final('a-job'), 1)],
    ['of a job that runs', async () => void (await results.fold([row({ job: 'a-job' })], 1))],
    ['of a job without scores', async () => undefined],
  ])('%s is to a stranger as if it were not there', async (_, make) => {
    await make();
    const [a, b] = [tenant('a'), tenant('b')];
    const asks = [
      (jobId: string) => call(b, 'getResult', { jobId }, settings),
      (jobId: string) => samples(b, jobId),
    ];
    for (const ask of asks) {
      const [stranger, nobody] = [await fault(ask('a-job')), await fault(ask('no-job'))];
      expect(stranger).toMatchObject({ reason: 'NOT_FOUND' });
      expect(stranger.message.replace('a-job', 'no-job')).toBe(nobody.message);
      expect(stranger.violations).toEqual(nobody.violations);
    }
    expect((await listed(b)).ids).toEqual([]);
    expect((await call(a, 'getResult', { jobId: 'a-job' }, settings)).result).toMatchObject({
      jobId: 'a-job',
    });
    expect(await samples(a, 'a-job')).toEqual(['{"sample of": "a-job"}']);
  });

  it('is listed to its tenant alone, whoever’s page token is sent', async () => {
    for (const job of ['a-1', 'b-1', 'a-2', 'b-2', 'a-3']) await results.finish(final(job), 1);
    const [a, b] = [tenant('a'), tenant('b')];
    expect((await listed(a)).ids).toEqual(['a-3', 'a-2', 'a-1']);
    expect((await listed(b)).ids).toEqual(['b-2', 'b-1']);
    const { next } = await listed(b, '', 1);
    expect((await listed(a, next)).ids).toEqual(['a-3', 'a-2', 'a-1']);
    expect((await listed(b, next)).ids).toEqual(['b-1']);
  });

  it('of nobody’s job is nobody’s', async () => {
    await results.finish(final('lost-job'), 1);
    for (const name of ['a', 'default'])
      expect(await fault(call(tenant(name), 'getResult', { jobId: 'lost-job' }, settings))).toMatchObject({
        reason: 'NOT_FOUND',
      });
  });
});
