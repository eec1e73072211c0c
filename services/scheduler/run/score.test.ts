import { describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import type { Reporter } from '../ports.ts';
import { JOB, jobRecord, memoryJobs } from '../testing/builders.ts';
import { runPorts } from '../testing/run-ports.ts';
import { emptyMemory } from './context.ts';
import { auditing } from './score.ts';

/** A reporter that answers when it is told to stop, as a cancelled call does. */
const silentReporter: Reporter = {
  finalize: (_, signal) =>
    new Promise((_resolve, reject) => {
      const end = () => reject(new AssayError('CANCELLED', 'the call was cancelled'));
      if (signal.aborted) return end();
      signal.addEventListener('abort', end, { once: true });
      return undefined;
    }),
};

function audited(reporter: Reporter, finalizeMs = 900_000) {
  const job = jobRecord({ state: 'AUDITING', tasks: [] });
  const jobs = memoryJobs(job);
  const world = runPorts({ jobs, reporter });
  const ports = { ...world, limits: { ...world.limits, finalizeMs } };
  const run = (stop: AbortSignal) => auditing(ports, emptyMemory(), job, stop);
  return { jobs, run };
}

describe('auditing, while the reporter finalizes', () => {
  it('leaves the job as it is when the scheduler stops or loses the lead', async () => {
    const { jobs, run } = audited(silentReporter);
    const stop = new AbortController();
    const running = run(stop.signal);
    setTimeout(() => stop.abort(), 10);
    await expect(running).rejects.toMatchObject({ permanent: false });
    expect(jobs.get(JOB)?.state).toBe('AUDITING');
  });

  it('asks again when the reporter did not answer in time', async () => {
    const { jobs, run } = audited(silentReporter, 10);
    await expect(run(new AbortController().signal)).rejects.toMatchObject({ permanent: false });
    expect(jobs.get(JOB)?.state).toBe('AUDITING');
  });

  it('gives way to the user who cancels the job', async () => {
    const { jobs, run } = audited(silentReporter);
    const running = run(new AbortController().signal);
    setTimeout(() => void jobs.edit(JOB, (job) => ({ ...job, cancelRequested: true })), 10);
    expect(await running).toBe(0);
    expect(jobs.get(JOB)).toMatchObject({ state: 'AUDITING', cancelRequested: true });
  });

  it('fails the job with what the reporter refuses it for', async () => {
    const refusal = new AssayError('BLOB_MISSING', 'no plan');
    const { jobs, run } = audited({ finalize: () => Promise.reject(refusal) });
    await run(new AbortController().signal);
    expect(jobs.get(JOB)).toMatchObject({ state: 'FAILED', reason: 'BLOB_MISSING' });
  });
});
