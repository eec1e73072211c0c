import { describe, expect, it } from 'vitest';
import { passing } from '@assay/lib/errors';
import { jobRecord, memoryJobs } from '../testing/builders.ts';
import { cycleWorld, pretendedCluster } from '../testing/cycle-ports.ts';
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
    const world = cycleWorld({ cluster: () => picky, jobs });
    await cycle(world.ports, world.memory);
    expect(jobs.get(BAD)).toMatchObject({ state: 'FAILED', reason: 'SERVER_START_FAILED' });
    expect(jobs.get(GOOD)?.state).toBe('RUNNING');
    expect(cluster.keys()).toEqual([GOOD]);
  });

  it('is not blamed for a broker that is away', async () => {
    const jobs = memoryJobs(jobRecord({ id: GOOD, state: 'QUEUED' }));
    const away = passing('BROKER_UNAVAILABLE', 'away');
    const world = cycleWorld({ jobs, advance: () => Promise.reject(away) });
    await expect(cycle(world.ports, world.memory)).rejects.toBe(away);
    expect(jobs.get(GOOD)?.state).toBe('QUEUED');
  });
});
