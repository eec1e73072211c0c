import { describe, expect, it } from 'vitest';
import { blobRefOf } from '@assay/lib/blob';
import { manualClock } from '@assay/lib/clock';
import type { JobRecord } from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import { JOB, jobRecord, memoryJobs, serverView, taskPlan } from '../testing/builders.ts';
import { memoryBus } from '../testing/memory-bus.ts';
import { runPorts } from '../testing/run-ports.ts';
import { emptyMemory, type RunPorts } from './context.ts';
import { drive } from './drive.ts';

const never = new AbortController().signal;
const gone = blobRefOf(Buffer.from('nobody wrote this'));

function scoringJob(over: Partial<JobRecord> = {}) {
  const job = jobRecord({ state: 'SCORING', tasks: [{ name: 'toy', published: 1, plan: gone }], ...over });
  return { job, jobs: memoryJobs(job) };
}

describe('drive', () => {
  it('fails a job with the reason of a fault that does not pass', async () => {
    const { job, jobs } = scoringJob();
    expect(await drive(runPorts({ jobs }), emptyMemory(), job, never)).toBe(0);
    expect(jobs.get(JOB)).toMatchObject({ state: 'FAILED', reason: 'BLOB_MISSING' });
  });

  it.each([
    passing('BROKER_UNAVAILABLE', 'away'),
    new AssayError('NOT_LEADER', 'another leads'),
    new AssayError('UNAUTHENTICATED', 'the broker refuses the token'),
    new Error('a fault of ours'),
  ])('leaves a job alone over a fault that is not its own: %s', async (fault) => {
    const { job, jobs } = scoringJob();
    const blob = { ...runPorts().blob, get: () => Promise.reject(fault) };
    await expect(drive(runPorts({ jobs, blob }), emptyMemory(), job, never)).rejects.toBe(fault);
    expect(jobs.get(JOB)?.state).toBe('SCORING');
  });
});

/** Steps until the job is over; gives after how many milliseconds that was. */
async function driven(ports: RunPorts & { readonly clock: ReturnType<typeof manualClock> }) {
  const memory = emptyMemory();
  for (;;) {
    const job = ports.jobs.get(JOB);
    if (job === undefined || job.state !== 'RUNNING') return ports.clock.now();
    await ports.clock.advance(await drive(ports, memory, job, never));
  }
}

describe('a running job whose generations do not come', () => {
  async function world(shard: 'there' | 'missing') {
    const clock = manualClock();
    const bus = memoryBus();
    const ports = { ...runPorts({ bus }), clock };
    const whole = await ports.blob.put(Buffer.from('a shard'));
    const requests = shard === 'there' ? whole : gone;
    const plan = taskPlan({ shards: [{ n: 0, bucket: 0, requests, docs: whole, samples: 2 }] });
    const job = jobRecord({
      state: 'RUNNING',
      tasks: [
        {
          name: 'toy',
          published: 1,
          shards: 1,
          plan: await ports.blob.put(Buffer.from(JSON.stringify(plan))),
          counts: { task: 'toy', samples: 2, scores: 2 },
        },
      ],
    });
    return { ...ports, bus, jobs: memoryJobs(job) };
  }

  it('is asked for again a few times, ever more slowly, and fails', async () => {
    const ports = await world('there');
    expect(await driven(ports)).toBeGreaterThan(60_000);
    expect(ports.bus.published).toHaveLength(ports.limits.mostAudits);
    expect(ports.jobs.get(JOB)).toMatchObject({ state: 'FAILED', reason: 'AUDIT_INCOMPLETE' });
  });

  it('fails with BLOB_MISSING when that is why', async () => {
    const ports = await world('missing');
    await driven(ports);
    expect(ports.jobs.get(JOB)).toMatchObject({ state: 'FAILED', reason: 'BLOB_MISSING' });
    expect(ports.jobs.get(JOB)?.detail).toContain(gone);
  });

  it('starts to count anew when one more has come', async () => {
    const ports = await world('there');
    const came = { job: JOB, task: 'toy', bucket: 0, doc: 0, repeat: 0 };
    void ports.clock.sleep(20_000).then(() => ports.bus.generated.push(came));
    await driven(ports);
    expect(ports.bus.published.length).toBeGreaterThan(ports.limits.mostAudits);
  });
});

describe('a running job whose server is away', () => {
  const unreachable = passing('ENDPOINT_UNREACHABLE', 'no answer');
  const refusing = new AssayError('ENDPOINT_UNAUTHORIZED', 'refuses the key');
  const job = jobRecord({ state: 'RUNNING', tasks: [{ name: 'toy', published: 0 }], server: 's' });

  /** When the job fails, as its server looks at each second; null when it does not within a quarter of an hour. */
  async function failsAfter(faultAt: (second: number) => AssayError | null): Promise<number | null> {
    const jobs = memoryJobs({ ...job, tasks: [{ ...counted, published: 1 }] });
    const clock = manualClock();
    const memory = emptyMemory();
    const bus = memoryBus();
    bus.outstanding = 4;
    for (let second = 0; second < 900; second++) {
      const fault = faultAt(second);
      const view = () => serverView(fault === null ? {} : { phase: 'failed', fault, detail: fault.message });
      const now = jobs.get(JOB);
      if (now?.state !== 'RUNNING') return second - 1;
      await drive(runPorts({ jobs, clock, bus, view }), memory, now, never);
      await clock.advance(1_000);
    }
    return null;
  }
  const counted = { name: 'toy', counts: { task: 'toy', samples: 2, scores: 2 } };

  it('waits as long as a server may be lost, also when this scheduler never reached it', async () => {
    expect(await failsAfter(() => unreachable)).toBe(600);
  });

  it('outlives a refusal that passes', async () => {
    expect(await failsAfter((second) => (second % 60 < 20 ? refusing : null))).toBeNull();
    expect(await failsAfter((second) => (second > 100 && second < 120 ? refusing : unreachable))).toBe(600);
  });

  it('ends soon when the server refuses for good', async () => {
    expect(await failsAfter(() => refusing)).toBe(30);
  });
});
