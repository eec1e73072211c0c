import { isTerminal, type JobId, type JobRecord } from '@assay/lib/domain';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { Clock } from '@assay/lib/clock';
import { cycle, cycleMemory, type CyclePorts } from './place/cycle.ts';
import type { Jobs } from './ports.ts';
import { emptyMemory, forget, type RunPorts } from './run/context.ts';
import { drive } from './run/drive.ts';
import { emptySweepMemory, giveUp, sweep, type SweepPorts } from './run/sweep.ts';
import { advance } from './run/context.ts';

export interface LeadPorts {
  readonly run: RunPorts;
  readonly cycle: Omit<CyclePorts, 'advance' | 'giveUp'>;
  readonly sweep: SweepPorts;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly log: Log;
  readonly epoch: number;
}

const CYCLE_MS = 100;
const SWEEP_MS = 2_000;

/** What a leader does until `stop` aborts: one loop places, one sweeps, one drives each job that is not over. */
export async function lead(ports: LeadPorts, stop: AbortSignal): Promise<void> {
  await claim(ports);
  const driven = new Map<JobId, Promise<void>>();
  const swept = emptySweepMemory();
  const memory = await cycleMemory(ports.cycle.servers);
  const cyclePorts: CyclePorts = {
    ...ports.cycle,
    giveUp: (id) => giveUp(ports.sweep, id),
    advance: (job, edge, server) =>
      advance(ports.run, job, edge, (record) => (server === undefined ? record : { ...record, server })),
  };
  const step = async (): Promise<number> => {
    await cycle(cyclePorts, memory);
    for (const job of ports.jobs.all()) {
      if (isTerminal(job.state) || driven.has(job.id)) continue;
      driven.set(
        job.id,
        driveToEnd(ports, job.id, stop).finally(() => driven.delete(job.id)),
      );
    }
    return CYCLE_MS;
  };
  await Promise.all([
    loop({ name: 'place', step, log: ports.log, clock: ports.clock }, stop),
    loop(
      {
        name: 'sweep',
        step: async () => (await sweep(ports.sweep, swept), SWEEP_MS),
        log: ports.log,
        clock: ports.clock,
      },
      stop,
    ),
  ]);
  await Promise.all(driven.values());
}

// Every job that is not over carries the new epoch from here on, so that an old leader's writes are refused.
async function claim(ports: LeadPorts): Promise<void> {
  for (const job of ports.jobs.all()) {
    if (isTerminal(job.state) || job.epoch === ports.epoch) continue;
    await ports.jobs.edit(job.id, (record) => ({ ...record, epoch: ports.epoch }));
  }
}

async function driveToEnd(ports: LeadPorts, id: JobId, stop: AbortSignal): Promise<void> {
  const over = new AbortController();
  const memory = emptyMemory();
  const log = ports.log.child({ job: id });
  const step = async (signal: AbortSignal): Promise<number> => {
    const job: JobRecord | undefined = ports.jobs.get(id);
    if (job === undefined || isTerminal(job.state)) {
      over.abort();
      return 0;
    }
    return drive(ports.run, memory, job, signal);
  };
  try {
    await loop(
      { name: `job ${id}`, step, log, clock: ports.clock, maxBackoffMs: 5_000 },
      AbortSignal.any([stop, over.signal]),
    );
  } finally {
    await forget(memory);
  }
}
