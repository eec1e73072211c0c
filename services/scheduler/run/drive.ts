import { isTerminal, type JobRecord } from '@assay/lib/domain';
import { AssayError, type Reason } from '@assay/lib/errors';
import { advance, fail, type Memory, type RunPorts } from './context.ts';
import { running } from './generate.ts';
import { preparing, submitted } from './prepare.ts';
import { auditing, scoring } from './score.ts';
import { starting } from './start.ts';

/** Permanent faults that say something of this scheduler, and nothing of the job that it drives. */
const OURS: ReadonlySet<Reason> = new Set(['NOT_LEADER', 'UNAUTHENTICATED', 'CANCELLED']);

/**
 * One step of one job: what its state asks for now. Gives the pace in milliseconds. A fault that trying again cannot
 * help fails the job; every other is thrown.
 */
export async function drive(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  stop: AbortSignal,
): Promise<number> {
  try {
    return await step(ports, memory, job, stop);
  } catch (error) {
    const fault = AssayError.from(error);
    if (!fault.permanent || OURS.has(fault.reason) || stop.aborted) throw error;
    ports.log.warn({ err: error, job: job.id }, 'the job cannot go on');
    await fail(ports, job, fault.reason, fault.message);
    return 0;
  }
}

async function step(ports: RunPorts, memory: Memory, job: JobRecord, stop: AbortSignal): Promise<number> {
  if (isTerminal(job.state)) return 1_000;
  if (job.cancelRequested) {
    await advance(ports, job, { to: 'CANCELLED', reason: 'CANCELLED', detail: 'cancelled by the user' });
    return 0;
  }
  switch (job.state) {
    case 'SUBMITTED':
      return submitted(ports, memory, job);
    case 'PREPARING':
      return preparing(ports, memory, job);
    case 'QUEUED':
      return 100;
    case 'STARTING':
      return starting(ports, memory, job);
    case 'RUNNING':
      return running(ports, memory, job);
    case 'SCORING':
      return scoring(ports, memory, job);
    case 'AUDITING':
      return auditing(ports, memory, job, stop);
    default:
      return 1_000;
  }
}
