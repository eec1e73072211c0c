import { describe, expect, it } from 'vitest';
import { passing } from '@assay/lib/errors';
import { JOB, jobRecord, memoryJobs, serverView } from '../testing/builders.ts';
import { cycleWorld, memoryServers, pretendedCluster } from '../testing/cycle-ports.ts';
import { cycle } from './cycle.ts';

const [BAD, GOOD] = ['badbadbadbad', 'goodgoodgood'];

describe('a job that cannot be served', () => {
  it('fails and holds up no other', async () => {
    const cluster = pretendedCluster();
    const picky = {
      ...cluster,
      ensure(spec: Parameters<typeof cluster.ensure>[0]) {
        if (spec.key === BAD) throw new Error('the catalog does not say how m is served here');
        cluster.ensure(spec);
      },
    };
    const jobs = memoryJobs(
      jobRecord({ id: BAD, state: 'RUNNING' }),
      jobRecord({ id: GOOD, state: 'RUNNING' }),
    );
    const world = await cycleWorld({ cluster: () => picky, jobs });
    await cycle(world.ports, world.memory);
    expect(jobs.get(BAD)).toMatchObject({ state: 'FAILED', reason: 'SERVER_START_FAILED' });
    expect(jobs.get(GOOD)?.state).toBe('RUNNING');
    expect(cluster.keys()).toEqual([GOOD]);
  });

  it('is not blamed for a broker that is away', async () => {
    const jobs = memoryJobs(jobRecord({ id: GOOD, state: 'QUEUED' }));
    const away = passing('BROKER_UNAVAILABLE', 'away');
    const world = await cycleWorld({ jobs, advance: () => Promise.reject(away) });
    await expect(cycle(world.ports, world.memory)).rejects.toBe(away);
    expect(jobs.get(GOOD)?.state).toBe('QUEUED');
  });
});

describe('a server that failed', () => {
  const failed = serverView({ phase: 'failed', detail: 'died again and again' });
  const keyOf = () => 's';

  it('stays for the job that holds it, and is cleared away after that', async () => {
    const cluster = pretendedCluster();
    cluster.views.set('s', failed);
    const jobs = memoryJobs(jobRecord({ state: 'STARTING' }));
    const world = await cycleWorld({ cluster: () => cluster, jobs, keyOf });
    await cycle(world.ports, world.memory);
    expect(cluster.keys()).toEqual(['s']);
    await jobs.edit(JOB, (job) => ({ ...job, state: 'FAILED' }));
    await cycle(world.ports, world.memory);
    expect(cluster.keys()).toEqual([]);
  });

  it('is started anew for the next job once that has its place, and is not tried again and again before', async () => {
    const cluster = pretendedCluster();
    cluster.views.set('s', failed);
    const jobs = memoryJobs(jobRecord({ state: 'PREPARING' }));
    const world = await cycleWorld({ cluster: () => cluster, jobs, keyOf });
    for (let i = 0; i < 3; i++) await cycle(world.ports, world.memory);
    expect(cluster.ensured).toHaveLength(0);
    await jobs.edit(JOB, (job) => ({ ...job, state: 'QUEUED' }));
    await cycle(world.ports, world.memory);
    expect(jobs.get(JOB)?.state).toBe('STARTING');
    expect(cluster.ensured).toHaveLength(1);
    expect(cluster.view('s')?.phase).toBe('starting');
  });
});

describe('a job that has its place', () => {
  it('keeps the server it was given, though the catalog now asks for another', async () => {
    const jobs = memoryJobs(jobRecord({ state: 'RUNNING', server: 'given' }));
    const cluster = pretendedCluster();
    cluster.views.set('given', serverView({ phase: 'ready' }));
    const world = await cycleWorld({ cluster: () => cluster, jobs, keyOf: () => 'asked' });
    for (let i = 0; i < 2; i++) await cycle(world.ports, world.memory);
    expect(cluster.keys()).toEqual(['given']);
    expect(cluster.ensured).toEqual([]);
  });
});

describe('records of servers', () => {
  it('that an earlier leader has left are replaced when a job needs the server, and deleted when none does', async () => {
    const servers = memoryServers();
    const record = {
      v: 1,
      kind: 'local',
      baseUrl: 'http://127.0.0.1:1/v1',
      model: 'm',
      state: 'ready',
    } as const;
    const rest = { reason: '', ceiling: 1, contextLength: 0, epoch: 0, updatedAt: '' };
    for (const key of [GOOD, 'nobodys']) await servers.put({ ...record, ...rest, key });
    const world = await cycleWorld({ jobs: memoryJobs(jobRecord({ id: GOOD, state: 'RUNNING' })) }, servers);
    await cycle(world.ports, world.memory);
    expect([...servers.records.keys()]).toEqual([GOOD]);
    expect(servers.records.get(GOOD)).toMatchObject({ state: 'starting', epoch: 1 });
  });
});
