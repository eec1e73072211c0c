import { afterEach, describe, expect, it } from 'vitest';
import { CatalogServiceService } from '@assay/proto/assay/v1/catalog';
import { JobServiceService, type GetJobResponse } from '@assay/proto/assay/v1/job';
import { ResultServiceService } from '@assay/proto/assay/v1/result';
import { SandboxServiceService } from '@assay/proto/assay/v1/sandbox';
import { AssayError, passing } from '../errors.ts';
import { call, sharedToken, unary, type Admission, type Identity } from './index.ts';
import { RIGHTS } from './rights.ts';
import { serveJobs, type JobServer } from './testing/job-server.ts';
import { healthOf, reflected } from './testing/probe.ts';

const servers: JobServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const request = { jobId: 'x' };
const settings = { deadlineMs: 5_000 };
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

async function serve(admission: Admission) {
  const tenants: string[] = [];
  const getJob = unary<unknown, GetJobResponse>(async (_, { tenant, log }) => {
    tenants.push(tenant);
    log.info('asked');
    return { job: undefined };
  });
  const server = await serveJobs({ getJob }, { admission });
  servers.push(server);
  return { server, tenants };
}

describe('admission', () => {
  it('gives handlers the tenant of the token, and what is logged its user', async () => {
    const { server, tenants } = await serve({
      authenticate: async (token = '') => ({ tenant: token, user: `u-${token}`, groups: [] }),
      authorize: async () => undefined,
    });
    for (const token of ['a', 'b']) await call(server.connect(token), 'getJob', request, settings);
    expect(tenants).toEqual(['a', 'b']);
    expect(server.logged.map(({ tenant, user }) => [tenant, user])).toEqual([
      ['a', 'u-a'],
      ['b', 'u-b'],
    ]);
  });

  it('asks for the right of the method, as the caller that the token names', async () => {
    const asked: [Identity, string][] = [];
    const { server, tenants } = await serve({
      authenticate: async () => ({ tenant: 't', user: 'u', groups: ['g'] }),
      async authorize(identity, right) {
        asked.push([identity, right]);
        throw new AssayError('PERMISSION_DENIED', 'no');
      },
    });
    const error = await failure(call(server.connect('x'), 'cancelJob', request, settings));
    expect(error).toMatchObject({ reason: 'PERMISSION_DENIED', permanent: true, message: 'no' });
    expect(asked).toEqual([[{ tenant: 't', user: 'u', groups: ['g'] }, 'delete']]);
    expect(tenants).toEqual([]);
  });

  it('that cannot be decided is UNAVAILABLE, and nothing is handled', async () => {
    const { server, tenants } = await serve({
      authenticate: () => Promise.reject(passing('UNAVAILABLE', 'nobody can say')),
      authorize: async () => undefined,
    });
    const error = await failure(call(server.connect('x'), 'getJob', request, settings));
    expect(error).toMatchObject({ reason: 'UNAVAILABLE', permanent: false, message: 'nobody can say' });
    expect(tenants).toEqual([]);
  });

  it('that is not decided when the caller goes handles nothing', async () => {
    const asked = Promise.withResolvers<void>();
    const decided = Promise.withResolvers<Identity>();
    const { server, tenants } = await serve({
      authenticate() {
        asked.resolve();
        return decided.promise;
      },
      authorize: async () => undefined,
    });
    const gone = new AbortController();
    const given = failure(call(server.connect('x'), 'getJob', request, { ...settings, signal: gone.signal }));
    await asked.promise;
    gone.abort();
    expect(await given).toMatchObject({ reason: 'CANCELLED' });
    await expect.poll(() => server.metrics.text()).toContain('code="CANCELLED"} 1');
    decided.resolve({ tenant: 't', user: 'u', groups: [] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(tenants).toEqual([]);
  });

  it('is not asked about health, and about reflection only who calls', async () => {
    const { server } = await serve({
      authenticate: async (token) => {
        if (token === 'known') return { tenant: 't', user: 'u', groups: [] };
        throw new AssayError('UNAUTHENTICATED', 'who?');
      },
      authorize: () => Promise.reject(new AssayError('PERMISSION_DENIED', 'no')),
    });
    expect(await healthOf(server.server.address, '')).toBe('SERVING');
    expect(await reflected(server.server.address, 'known')).toContain('assay.v1.JobService');
    expect(await reflected(server.server.address, 'other')).toBe(16);
  });

  it('has a right for every method', () => {
    const services = [JobServiceService, CatalogServiceService, ResultServiceService, SandboxServiceService];
    const paths = services.flatMap((service) => Object.values(service).map(({ path }) => path));
    expect(Object.keys(RIGHTS).toSorted()).toEqual(paths.toSorted());
  });
});

describe('a shared token', () => {
  it.each([undefined, '', 'wrong', 'right '])('refuses %j', async (token) => {
    await expect(sharedToken('right').authenticate(token)).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
  });

  it('makes its bearer the one tenant there is; none trusts everyone', async () => {
    expect(await sharedToken('right').authenticate('right')).toMatchObject({ tenant: 'default' });
    expect(await sharedToken(undefined).authenticate(undefined)).toMatchObject({ tenant: 'default' });
  });
});
