import { afterEach, describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import { createLog } from '@assay/lib/log';
import { createMetrics } from '@assay/lib/metrics';
import {
  call,
  callStream,
  clientStream,
  clientStreamCall,
  connectRpc,
  serverStream,
  serveRpc,
  sharedToken,
  unary,
  type ServeRpc,
} from '@assay/lib/rpc';
import {
  CatalogServiceClient,
  CatalogServiceService,
  type CatalogServiceServer,
} from '@assay/proto/assay/v1/catalog';
import {
  JobServiceClient,
  JobServiceService,
  type GetJobResponse,
  type JobServiceServer,
  type WatchJobResponse,
} from '@assay/proto/assay/v1/job';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

const log = createLog({ service: 'test', level: 'silent' });
const nothing = unary<unknown, never>(() => Promise.reject(new AssayError('NOT_FOUND', 'nothing here')));

async function serve(
  own: Partial<JobServiceServer>,
  options: Partial<Pick<ServeRpc, 'admission' | 'maxReceiveBytes'>> = {},
) {
  const implementation: JobServiceServer = {
    submitJob: nothing,
    getJob: nothing,
    listJobs: nothing,
    cancelJob: nothing,
    watchJob: serverStream(async function* () {}),
    ...own,
  };
  const catalog: CatalogServiceServer = {
    listModels: nothing,
    listTasks: nothing,
    uploadBundle: clientStream(async (parts) => {
      let bytes = 0;
      for await (const part of parts) bytes += part.chunk.length;
      return { bundle: 'b', files: 1, bytes: BigInt(bytes) };
    }),
  };
  const metrics = createMetrics('test');
  const server = await serveRpc({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics,
    admission: sharedToken(undefined),
    services: [
      { name: 'assay.v1.JobService', definition: JobServiceService, implementation },
      { name: 'assay.v1.CatalogService', definition: CatalogServiceService, implementation: catalog },
    ],
    ...options,
  });
  open.push(() => server.close(500));
  return { server, metrics };
}

function connect(address: string, token?: string): JobServiceClient {
  const client = connectRpc(JobServiceClient, address, token === undefined ? {} : { token });
  open.push(async () => client.close());
  return client;
}

const settings = { deadlineMs: 3_000 };

describe('errors', () => {
  it('carries reason and every violation to the caller', async () => {
    const violations = [
      { field: 'a', message: 'is wrong' },
      { field: 'b', message: 'is wrong too' },
    ];
    const getJob = unary<unknown, GetJobResponse>(() =>
      Promise.reject(new AssayError('INVALID_REQUEST', 'two fields', { violations })),
    );
    const { server } = await serve({ getJob });
    const error = await call(connect(server.address), 'getJob', { jobId: 'x' }, settings).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({
      reason: 'INVALID_REQUEST',
      message: 'two fields',
      violations,
      permanent: true,
    });
  });

  it('keeps the cause of an internal fault to itself', async () => {
    const { server } = await serve({ getJob: unary(() => Promise.reject(new Error('secret path'))) });
    const error = await call(connect(server.address), 'getJob', { jobId: 'x' }, settings).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ reason: 'INTERNAL', permanent: false });
    expect(String(error)).not.toContain('secret path');
  });

  it('refuses a message over the limit and lives on', async () => {
    const { server } = await serve(
      { getJob: unary(async () => ({ job: undefined })) },
      { maxReceiveBytes: 1_000 },
    );
    const client = connect(server.address);
    const error = await call(client, 'getJob', { jobId: 'x'.repeat(5_000) }, settings).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ reason: 'MESSAGE_TOO_LARGE' });
    await expect(call(client, 'getJob', { jobId: 'x' }, settings)).resolves.toEqual({ job: undefined });
  });

  it('says that nobody is there', async () => {
    const error = await call(connect('127.0.0.1:1'), 'getJob', { jobId: 'x' }, settings).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
  });
});

describe('the token', () => {
  it('is asked of every call', async () => {
    const { server, metrics } = await serve(
      { getJob: unary(async () => ({ job: undefined })) },
      { admission: sharedToken('right') },
    );
    for (const token of [undefined, 'wrong']) {
      const error = await call(connect(server.address, token), 'getJob', { jobId: 'x' }, settings).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ reason: 'UNAUTHENTICATED', permanent: true });
    }
    await expect(call(connect(server.address, 'right'), 'getJob', { jobId: 'x' }, settings)).resolves.toEqual(
      { job: undefined },
    );
    const text = await metrics.text();
    expect(text).toContain('code="OK"} 1');
    expect(text).toContain('code="UNAUTHENTICATED"} 2');
  });
});

describe('streams', () => {
  it('ends a handler whose caller is gone', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const watchJob = serverStream<unknown, WatchJobResponse>(async function* (_request, { signal }) {
      yield { job: undefined };
      await new Promise<void>((gone) => signal.addEventListener('abort', () => gone(), { once: true }));
      resolve(signal.reason);
    });
    const { server } = await serve({ watchJob });
    for await (const _ of callStream(connect(server.address), 'watchJob', { jobId: 'x' })) break;
    expect(await promise).toMatchObject({ message: 'the caller is gone' });
  });

  it("takes a client's stream to its end", async () => {
    const { server } = await serve({});
    const client = connectRpc(CatalogServiceClient, server.address);
    open.push(async () => client.close());
    const { stream, answer } = clientStreamCall(client, 'uploadBundle', settings);
    for (let i = 0; i < 10; i++) stream.write({ path: i === 0 ? 'a' : '', chunk: Buffer.alloc(100_000) });
    stream.end();
    expect(await answer).toEqual({ bundle: 'b', files: 1, bytes: 1_000_000n });
  });
});
