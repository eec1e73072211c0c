import { JOBS, type Bus } from '@assay/lib/bus';
import { isTerminal } from '@assay/lib/domain';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { Jobs } from '../ports.ts';

export interface FinishedJobs extends Jobs {
  /** Resolves when every job that was there at the start is known. */
  readonly current: Promise<void>;
  /** Follows the jobs until `stop`, as soon as the broker has been prepared for the partition. */
  watch(partition: string, stop: AbortSignal): Promise<void>;
}

/** Knows which jobs are over, from a watch of the scheduler's records. */
export function finishedJobs(bus: Bus, log: Log): FinishedJobs {
  const finished = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const follow = async (stop: AbortSignal): Promise<number> => {
    for await (const change of bus.kv(JOBS).watch(stop)) {
      if (change.type === 'current') resolve();
      else if (change.type === 'put' && isTerminal(change.entry.value.state)) finished.add(change.entry.key);
      else finished.delete(change.type === 'put' ? change.entry.key : change.key);
    }
    return 1_000;
  };
  return {
    current: promise,
    isFinished: (job) => finished.has(job),
    watch: async (partition, stop) => {
      try {
        await bus.ready(partition, stop);
        await loop({ name: 'jobs', step: follow, log }, stop);
      } finally {
        resolve();
      }
    },
  };
}
