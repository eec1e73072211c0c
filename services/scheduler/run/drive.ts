import { isTerminal, type JobRecord } from '@assay/lib/domain';
import { advance, type Memory, type RunPorts } from './context.ts';
import { running } from './generate.ts';
import { preparing, submitted } from './prepare.ts';
import { auditing, scoring } from './score.ts';
import { starting } from './start.ts';

/** One step of one job: what its state asks for now. Gives the pace in milliseconds. */
export async function drive(
  ports: RunPorts,
  memory: Memory,
  job: JobRecord,
  stop: AbortSignal,
): Promise<number> {
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
