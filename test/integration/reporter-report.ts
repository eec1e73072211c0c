import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderBlob } from '@assay/lib/blob';
import { systemClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import type { FinalizeRequest } from '@assay/proto/assay/v1/result';
import { memoryResults } from '../../services/reporter/adapters/memory-results.ts';
import { reportFolder } from '../../services/reporter/adapters/report-folder.ts';
import type { FinalRequest } from '../../services/reporter/ports.ts';
import { finalize } from '../../services/reporter/report/finalize.ts';
import { memoryGenerations, row, type ToyTask } from '../../services/reporter/testing/builders.ts';

/** A request as the scheduler sends it. */
export function message(request: FinalRequest): FinalizeRequest {
  return {
    jobId: request.job,
    partition: request.partition,
    epoch: request.epoch,
    plan: request.plan,
    counts: request.counts.map(({ task, samples, scores }) => ({
      task,
      samples: BigInt(samples),
      scores: BigInt(scores),
    })),
    model: request.model,
    serverKind: request.serverKind,
    endpoint: request.endpoint,
    seed: BigInt(request.seed),
    startTime: new Date(request.startMs).toISOString(),
    endTime: new Date(request.endMs).toISOString(),
    provenance: { ...request.provenance },
  };
}

/** The files of a report, by name. */
export async function reportOf(path: string): Promise<Record<string, string>> {
  const names = (await readdir(path)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(path, name), 'utf8')] as const)),
  );
}

/** What the same scores give in memory, one after another; the blobs are those of the world's folder. */
export async function expectedReport(
  folder: string,
  tasks: readonly ToyTask[],
  request: FinalRequest,
): Promise<Record<string, string>> {
  const results = memoryResults();
  await results.fold(
    tasks.flatMap(({ scores }) => scores.map((entry) => row(entry))),
    1,
  );
  const reports = await reportFolder(join(folder, 'expected'));
  const generations = memoryGenerations(tasks.flatMap((task) => task.generations));
  const log = createLog({ service: 'test', level: 'silent' });
  const blobs = folderBlob(join(folder, 'blobs'));
  await finalize({ results, reports, generations, blobs, clock: systemClock, log, waitMs: 0 }, request);
  return reportOf(join(folder, 'expected', request.job));
}
