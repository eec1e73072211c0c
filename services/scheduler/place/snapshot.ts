import { isTerminal, type JobRecord } from '@assay/lib/domain';
import type { Need } from './fit.ts';
import type { Claim, Reservation } from './place.ts';

/** Bytes of a score in its ledger, subject and headers included: measured about 700, more with long answers. */
export const SCORE_BYTES = 1_024;

/** Jobs in the order in which they came; the id breaks ties. */
export function inOrder(jobs: Iterable<JobRecord>): JobRecord[] {
  return [...jobs].sort((a, b) =>
    a.createdAt === b.createdAt ? cmp(a.id, b.id) : cmp(a.createdAt, b.createdAt),
  );
}

export function waits(job: JobRecord): boolean {
  return job.state === 'PREPARING' || job.state === 'QUEUED';
}

export function holds(job: JobRecord): boolean {
  return !isTerminal(job.state) && job.state !== 'SUBMITTED' && !waits(job);
}

export function claimOf(job: JobRecord, server: string, need: Need | null): Claim {
  return { ...reservationOf(job, server, need), prepared: job.state === 'QUEUED' };
}

export function reservationOf(job: JobRecord, server: string, need: Need | null): Reservation {
  const scores = job.tasks.reduce((sum, task) => sum + (task.counts?.scores ?? 0), 0);
  return {
    job: job.id,
    partition: job.partition,
    server,
    need,
    generationBytes: job.reservedBytes,
    scoreBytes: scores * SCORE_BYTES,
  };
}

function cmp(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
