import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blobRefOf } from '@assay/lib/blob';
import type { BlobRef } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { createMetrics } from '@assay/lib/metrics';
import { call, callStream, clientStreamCall, connectRpc, serveRpc, type RpcServer } from '@assay/lib/rpc';
import { CatalogServiceClient, CatalogServiceService } from '@assay/proto/assay/v1/catalog';
import {
  JobServiceClient,
  JobServiceService,
  JobState,
  type SubmitJobRequest,
} from '@assay/proto/assay/v1/job';
import { catalogService } from './serve-catalog.ts';
import { jobService } from './serve.ts';
import { jobIdOf } from './submit/job-id.ts';
import { jobRecord } from './testing/builders.ts';
import { runPorts, silent } from './testing/run-ports.ts';

const TASK = `task: T
dataset_path: json
dataset_kwargs:
  data_files: { test: d.jsonl }
test_split: test
doc_to_text: "{{q}}:"
doc_to_target: "{{a}}"
`;
const DATA = '{"q": "a secret question", "a": "1"}\n';
const settings = { deadlineMs: 5_000 };
const SOMEBODYS = 'request-that-meets-another';

let server: RpcServer;
const clients: { close(): void }[] = [];

/** A scheduler for which a token is its tenant's name. */
beforeEach(async () => {
  const ports = runPorts();
  const uploaded = new Set<string>();
  const bundles = {
    add: async (tenant: string, bundle: BlobRef) => void uploaded.add(`${tenant} ${bundle}`),
    has: async (tenant: string, bundle: BlobRef) => uploaded.has(`${tenant} ${bundle}`),
  };
  const tasks = { paths: async () => [], read: () => Promise.reject(new Error('no files')) };
  const all = { ...ports, bundles, catalogTasks: tasks };
  await ports.jobs.create(jobRecord({ id: jobIdOf('b', SOMEBODYS) }));
  server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log: silent,
    metrics: createMetrics('test'),
    admission: {
      authenticate: async (tenant = '') => ({ tenant, user: tenant, groups: [] }),
      authorize: async () => undefined,
    },
    services: [
      {
        name: 'assay.v1.JobService',
        definition: JobServiceService,
        implementation: jobService({
          ...all,
          secrets: { put: async () => undefined, delete: async () => undefined, list: async () => [] },
          servers: { get: () => undefined },
          models: [],
          devices: [],
          partitionOf: () => 'p0',
          dryPartition: 'p0',
          placementOf: () => 'nowhere',
          onSubmitted: () => undefined,
        }),
      },
      {
        name: 'assay.v1.CatalogService',
        definition: CatalogServiceService,
        implementation: catalogService({ ...all, models: [], limits: { files: 10, bytes: 10_000 } }),
      },
    ],
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close(500);
});

function tenant(token: string) {
  const jobs = connectRpc(JobServiceClient, server.address, { token });
  const catalog = connectRpc(CatalogServiceClient, server.address, { token });
  clients.push(jobs, catalog);
  return {
    jobs,
    catalog,
    async upload(files: Readonly<Record<string, string>>): Promise<string> {
      const { stream, answer } = clientStreamCall(catalog, 'uploadBundle', settings);
      for (const [path, text] of Object.entries(files)) stream.write({ path, chunk: Buffer.from(text) });
      stream.end();
      return (await answer).bundle;
    },
    async submit(bundle: string, change: Partial<SubmitJobRequest> = {}) {
      const value = { baseUrl: 'http://127.0.0.1:9/v1', model: 'm', apiKey: '' };
      const request: SubmitJobRequest = {
        requestId: 'r',
        target: { $case: 'endpoint', value },
        tasks: [{ name: 'T', genKwargsJson: '' }],
        bundle,
        seed: undefined,
        validateOnly: false,
        maxConcurrency: 0,
        ...change,
      };
      return (await call(jobs, 'submitJob', request, settings)).job?.id ?? '';
    },
    list: (pageToken = '', pageSize = 0) =>
      call(jobs, 'listJobs', { pageSize, pageToken, state: JobState.UNSPECIFIED }, settings),
  };
}

async function fault(promise: Promise<unknown>): Promise<AssayError> {
  return promise.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => AssayError.from(error),
  );
}

async function read(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream) return;
}

describe('a job', () => {
  it('is to a stranger as if it were not there, by every method', async () => {
    const [a, b] = [tenant('a'), tenant('b')];
    const jobId = await a.submit(await a.upload({ 't.yaml': TASK, 'd.jsonl': DATA }));
    const none = 'aaaaaaaaaaaa';
    const asks: ((id: string) => Promise<unknown>)[] = [
      (id) => call(b.jobs, 'getJob', { jobId: id }, settings),
      (id) => call(b.jobs, 'cancelJob', { jobId: id }, settings),
      (id) => read(callStream(b.jobs, 'watchJob', { jobId: id }, settings)),
    ];
    for (const ask of asks) {
      const [stranger, nobody] = [await fault(ask(jobId)), await fault(ask(none))];
      expect(stranger).toMatchObject({ reason: 'NOT_FOUND' });
      expect(stranger.message.replace(jobId, none)).toBe(nobody.message);
      expect(stranger.violations).toEqual(nobody.violations);
    }
    expect((await b.list()).jobs).toEqual([]);
    const { job } = await call(a.jobs, 'getJob', { jobId }, settings);
    expect(job).toMatchObject({ id: jobId, state: JobState.SUBMITTED });
    expect((await a.list()).jobs).toHaveLength(1);
  });

  it('of the same request id is another one, and a page token of another tenant shows nothing of it', async () => {
    const [a, b] = [tenant('a'), tenant('b')];
    const files = { 't.yaml': TASK, 'd.jsonl': DATA };
    const [own, other] = [await a.upload(files), await b.upload(files)];
    const ofA = [await a.submit(own), await a.submit(own, { requestId: 'r2' })];
    const ofB = [await b.submit(other), await b.submit(other, { requestId: 'r2' })];
    expect(new Set([...ofA, ...ofB]).size).toBe(4);
    const { nextPageToken } = await a.list('', 1);
    expect(nextPageToken).not.toBe('');
    const seen = (await b.list(nextPageToken)).jobs.map(({ id }) => id);
    expect(ofB).toEqual(expect.arrayContaining(seen));
  });

  it('whose id another request happens to have is not told of', async () => {
    const b = tenant('b');
    const bundle = await b.upload({ 't.yaml': TASK, 'd.jsonl': DATA });
    const refused = await fault(b.submit(bundle, { requestId: SOMEBODYS }));
    expect(refused).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
    expect(refused.message).toBe('this request_id cannot be used; choose a new one');
  });
});

describe('a bundle', () => {
  it('is of use to who uploaded it alone, in every method that takes one', async () => {
    const [a, b] = [tenant('a'), tenant('b')];
    const bundle = await a.upload({ 't.yaml': TASK, 'd.jsonl': DATA });
    const asks = [
      (name: string) => b.submit(name),
      (name: string) => b.submit(name, { validateOnly: true }),
      (name: string) => call(b.catalog, 'listTasks', { bundle: name }, settings),
    ];
    for (const ask of asks) {
      const [stranger, nobody] = [await fault(ask(bundle)), await fault(ask(blobRefOf(Buffer.from('x'))))];
      expect(stranger).toMatchObject({ reason: 'BUNDLE_INVALID' });
      expect(stranger.message).toBe(nobody.message);
    }
    expect((await call(a.catalog, 'listTasks', { bundle }, settings)).tasks).toMatchObject([{ name: 'T' }]);
  });

  it('cannot be made of a file that names the files of others', async () => {
    const [a, b] = [tenant('a'), tenant('b')];
    await a.upload({ 't.yaml': TASK, 'd.jsonl': DATA });
    const content = Buffer.from(DATA);
    const files = [{ path: 'd.jsonl', blob: blobRefOf(content), bytes: content.length }];
    const forged = JSON.stringify({ v: 1, files });
    await b.upload({ 'forged.json': forged });
    expect(await fault(b.submit(blobRefOf(Buffer.from(forged))))).toMatchObject({ reason: 'BUNDLE_INVALID' });
  });

  it('that two upload is of use to both', async () => {
    const [a, b] = [tenant('a'), tenant('b')];
    const files = { 't.yaml': TASK, 'd.jsonl': DATA };
    expect(await a.upload(files)).toBe(await b.upload(files));
    expect(await b.submit(await b.upload(files))).toBe(jobIdOf('b', 'r'));
  });
});
