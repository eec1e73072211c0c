import { makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Job, type GetJobResponse, type WatchJobResponse } from '@assay/proto/assay/v1/job';
import { AssayError } from '../errors.ts';
import { call, callStream, connectRpc, healthOf, serverStream, sharedToken, unary } from './index.ts';
import { serveJobs, type JobServer } from './testing/job-server.ts';
import { reflected } from './testing/probe.ts';

const servers: JobServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(...args: Parameters<typeof serveJobs>): Promise<JobServer> {
  const server = await serveJobs(...args);
  servers.push(server);
  return server;
}

const request = { jobId: 'x' };
const settings = { deadlineMs: 5_000 };
const empty = unary<unknown, GetJobResponse>(async () => ({ job: undefined }));
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('a handler', () => {
  it('is told when the deadline passes', async () => {
    const told = Promise.withResolvers<void>();
    const getJob = unary<unknown, GetJobResponse>(async (_, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      told.resolve();
      throw signal.reason;
    });
    const server = await serve({ getJob });
    const error = await failure(call(server.connect(), 'getJob', request, { deadlineMs: 100 }));
    expect(error).toMatchObject({ reason: 'TIMED_OUT', permanent: false });
    await told.promise;
  });

  it('that throws before it awaits anything is answered as any other', async () => {
    const getJob = unary<unknown, GetJobResponse>(() => {
      throw new AssayError('JOB_FINISHED', 'it is over');
    });
    const server = await serve({ getJob });
    expect(await failure(call(server.connect(), 'getJob', request, settings))).toMatchObject({
      reason: 'JOB_FINISHED',
    });
  });

  it('logs under the trace of its caller, and under no other text', async () => {
    const getJob = unary<unknown, GetJobResponse>(async (_, { log }) => {
      log.info('asked');
      return { job: undefined };
    });
    const server = await serve({ getJob });
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    for (const traceparent of [`00-${trace}-00f067aa0ba902b7-01`, '00-made up-x-01'])
      await call(server.connect(), 'getJob', request, { ...settings, traceparent });
    expect(server.logged.map((line) => line['trace'])).toEqual([trace, undefined]);
  });
});

describe('a stream', () => {
  it('asks its handler for no more than the reader takes', async () => {
    let made = 0;
    const job = Job.fromJSON({ reason: 'x'.repeat(10_000) });
    const watchJob = serverStream<unknown, WatchJobResponse>(async function* () {
      for (; made < 20_000; made++) yield { job };
    });
    const server = await serve({ watchJob });
    for await (const _ of callStream(server.connect(), 'watchJob', request)) {
      let before: number;
      do {
        before = made;
        await new Promise((resolve) => setTimeout(resolve, 150));
      } while (made > before);
      break;
    }
    // 10 kB each: what the windows and buffers of both sides hold, far from all of it.
    expect(made).toBeLessThan(2_000);
  });

  it('ends without an error when the server shuts down, and the handler is told', async () => {
    const told = Promise.withResolvers<void>();
    const watchJob = serverStream<unknown, WatchJobResponse>(async function* (_, { signal }) {
      yield { job: undefined };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      told.resolve();
    });
    const server = await serve({ watchJob });
    let seen = 0;
    for await (const _ of callStream(server.connect(), 'watchJob', request)) {
      seen += 1;
      void server.server.close(5_000);
    }
    await told.promise;
    expect(seen).toBe(1);
  });

  it('that is cut in the middle can be opened again', async () => {
    const watchJob = serverStream<unknown, WatchJobResponse>(async function* () {
      yield { job: undefined };
      await new Promise(() => {});
    });
    const server = await serve({ watchJob });
    const read = async () => {
      for await (const _ of callStream(server.connect(), 'watchJob', request)) void server.server.close(10);
    };
    expect(await failure(read())).toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
  });

  it('that its reader gives up is cancelled, also before it began', async () => {
    const watchJob = serverStream<unknown, WatchJobResponse>(async function* (_, { signal }) {
      yield { job: undefined };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    });
    const server = await serve({ watchJob });
    const giveUp = new AbortController();
    const read = async (signal: AbortSignal) => {
      for await (const _ of callStream(server.connect(), 'watchJob', request, { signal })) giveUp.abort();
    };
    expect(await failure(read(giveUp.signal))).toMatchObject({ reason: 'CANCELLED' });
    expect(await failure(read(AbortSignal.abort()))).toMatchObject({ reason: 'CANCELLED' });
  });
});

describe('metrics', () => {
  it('count every call by how it ended', async () => {
    const watchJob = serverStream<unknown, WatchJobResponse>(async function* (_, { signal }) {
      yield { job: undefined };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    });
    const server = await serve({ getJob: empty, watchJob }, { admission: sharedToken('right') });
    const client = server.connect('right');
    await call(client, 'getJob', request, settings);
    await failure(
      call(client, 'listJobs', { pageSize: 0, pageToken: '', state: 'JOB_STATE_UNSPECIFIED' }, settings),
    );
    await failure(call(server.connect('wrong'), 'getJob', request, settings));
    for await (const _ of callStream(client, 'watchJob', request)) break;
    const counted = async () =>
      [
        ...(await server.metrics.text()).matchAll(
          /handled_total\{service="assay.v1.JobService",method="(\w+)",code="(\w+)"\} (\d+)/g,
        ),
      ]
        .map(([, ...parts]) => parts.join(' '))
        .sort();
    await expect
      .poll(counted)
      .toEqual(['GetJob OK 1', 'GetJob UNAUTHENTICATED 1', 'ListJobs NOT_FOUND 1', 'WatchJob CANCELLED 1']);
    expect(await server.metrics.text()).toContain(
      'assay_test_grpc_server_handling_seconds_count{service="assay.v1.JobService",method="GetJob"} 2',
    );
  });
});

describe('health and reflection', () => {
  it('health is open to all, and says when the server shuts down', async () => {
    const server = await serve({}, { admission: sharedToken('right') });
    const health = connectRpc(generic(healthService), server.server.address);
    const watched: unknown[] = [];
    const stream = health['Watch']?.({ service: 'assay.v1.JobService' });
    const ended = Promise.withResolvers<void>();
    stream.on('data', (response: { readonly status: unknown }) => {
      watched.push(response.status);
      if (watched.length === 1) void server.server.close(100);
    });
    stream.on('error', () => ended.resolve());
    stream.on('end', () => ended.resolve());
    await ended.promise;
    health.close();
    expect(watched).toEqual(['SERVING', 'NOT_SERVING']);
  });

  it('a client can ask for it', async () => {
    const { server } = await serve({}, { admission: sharedToken('right') });
    expect(await healthOf(server.address, 'assay.v1.JobService', 5_000)).toBe('SERVING');
    await expect(healthOf(server.address, 'assay.v1.Other', 5_000)).rejects.toMatchObject({
      reason: 'NOT_FOUND',
    });
    await expect(healthOf('127.0.0.1:1', 'assay.v1.JobService', 300)).rejects.toThrow('127.0.0.1:1');
  });

  it('reflection shows the services to those who have the token', async () => {
    const server = await serve({}, { admission: sharedToken('right') });
    expect(await reflected(server.server.address, 'wrong')).toBe(16);
    expect(await reflected(server.server.address, 'right')).toContain('assay.v1.JobService');
  });
});

function generic(definition: ServiceDefinition) {
  return makeGenericClientConstructor(definition, 'Generic');
}
