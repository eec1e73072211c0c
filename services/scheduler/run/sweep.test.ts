import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock, systemClock } from '@assay/lib/clock';
import { passing } from '@assay/lib/errors';
import { folderSecrets } from '../adapters/secrets-folder.ts';
import { JOB, jobRecord, memoryJobs } from '../testing/builders.ts';
import { memoryBus } from '../testing/memory-bus.ts';
import { runPorts } from '../testing/run-ports.ts';
import { emptySweepMemory, giveUp, sweep, type SweepPorts } from './sweep.ts';

const LIVE = 'livelivelive';
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-sweep-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function sweepPorts(over: Partial<SweepPorts> = {}): SweepPorts {
  const jobs = memoryJobs(jobRecord({ state: 'SUCCEEDED' }), jobRecord({ id: LIVE, state: 'RUNNING' }));
  const at = new Date().toISOString();
  const ended = { ...jobRecord({ state: 'SUCCEEDED' }), transitions: [] };
  void jobs.edit(JOB, () => ({
    ...ended,
    transitions: [{ from: 'AUDITING', to: 'SUCCEEDED', reason: 'REPORTED', detail: '', at, epoch: 1 }],
  }));
  return {
    ...runPorts({ clock: systemClock, jobs }),
    secrets: folderSecrets(folder),
    retentionMs: 86_400_000,
    lateMs: 60_000,
    ...over,
  };
}

async function lay(name: string, ageMs = 0): Promise<void> {
  const file = path.join(folder, name);
  const at = new Date(Date.now() - ageMs);
  await writeFile(file, 'key');
  await utimes(file, at, at);
}

describe('endpoint keys', () => {
  it('go with their jobs, whole or half written, and not before', async () => {
    for (const name of [JOB, `${JOB}.new`, LIVE, `${LIVE}.new`]) await lay(name);
    await sweep(sweepPorts(), emptySweepMemory());
    expect((await readdir(folder)).toSorted()).toEqual([LIVE, `${LIVE}.new`]);
  });

  it('go although a purge fails', async () => {
    await lay(JOB);
    const away = passing('BROKER_UNAVAILABLE', 'away');
    const bus = {
      ...memoryBus(),
      shards: () => ({ ...memoryBus().shards('p0'), purge: () => Promise.reject(away) }),
    };
    await expect(sweep(sweepPorts({ bus }), emptySweepMemory())).rejects.toBe(away);
    expect(await readdir(folder)).toEqual([]);
  });

  it('that no job names go after a while', async () => {
    await lay('nobodys', 2 * 60 * 60_000);
    await lay('coming', 60_000);
    await sweep(sweepPorts(), emptySweepMemory());
    expect(await readdir(folder)).toEqual(['coming']);
  });
});

describe('what is kept of a job', () => {
  it('goes with its subjects', async () => {
    const deleted: string[] = [];
    const ports = sweepPorts();
    const progress = { ...ports.progress, delete: async (id: string) => void deleted.push(id) };
    await giveUp({ ...ports, progress }, JOB);
    expect(deleted).toEqual([JOB]);
    expect(ports.jobs.get(JOB)?.purged).toBe(true);
  });

  it('of answers that nobody waits for goes after a while', async () => {
    const clock = manualClock(Date.now());
    const names = new Set([JOB, LIVE, '1dry']);
    const forget = async (name: string) => void names.delete(name);
    const ports = sweepPorts({ clock });
    const answers = { ...ports.answers, names: () => names, forget };
    const memory = { ...emptySweepMemory(), cleared: new Set([JOB]) };
    await sweep({ ...ports, answers }, memory);
    expect(names.size).toBe(3);
    await clock.advance(2 * 60 * 60_000);
    await sweep({ ...ports, answers }, memory);
    expect([...names]).toEqual([LIVE]);
  });
});
