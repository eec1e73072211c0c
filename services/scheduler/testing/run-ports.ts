import { memoryBlob } from '@assay/lib/blob';
import { manualClock } from '@assay/lib/clock';
import { noCrashPoints } from '@assay/lib/faults';
import { createLog } from '@assay/lib/log';
import type { RunPorts } from '../run/context.ts';
import { memoryJobs, serverView } from './builders.ts';
import { memoryBus } from './memory-bus.ts';

export const silent = createLog({ service: 'test', level: 'silent', pretty: false });

/** A world in which nothing happens by itself and every server is ready. */
export function runPorts(over: Partial<RunPorts> = {}): RunPorts {
  return {
    bus: memoryBus(),
    blob: memoryBlob(),
    jobs: memoryJobs(),
    answers: {
      prepared: () => undefined,
      checked: () => undefined,
      names: () => [],
      forget: async () => undefined,
    },
    workers: { all: () => [] },
    progress: {
      get: () => undefined,
      put: async () => undefined,
      delete: async () => undefined,
      onChange: () => () => undefined,
    },
    reporter: { finalize: async () => undefined },
    view: () => serverView(),
    clock: manualClock(),
    log: silent,
    crash: noCrashPoints,
    epoch: 1,
    limits: {
      windowShards: 4,
      startMs: 600_000,
      serverLostMs: 600_000,
      scoreStallMs: 20_000,
      finalizeMs: 900_000,
      mostAudits: 10,
    },
    onEdge: () => undefined,
    ...over,
  };
}
