import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobState } from '@assay/proto/assay/v1/job';
import { startModelServer, type FaultRule, type ModelServer } from '../support/model-server.ts';
import { smallDisk, type SmallDisk } from '../support/small-disk.ts';
import { startStack, uploadFiles, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  midway,
  mixed,
  rowsOf,
  signal,
  storedOnce,
  submitMixed,
  succeeded,
  until,
  type Rows,
} from './outage-world.ts';

const MIB = 1024 * 1024;
const LONG = { timeout: 240_000 };
/** Answers, and with the code their scores too, that are too large for a message: they become blobs. */
const LARGE: readonly FaultRule[] = [
  { mode: 'huge', match: 'generate 1', bytes: 300_000 },
  { mode: 'huge', match: 'code', bytes: 400_000 },
];

let server: ModelServer;
let stack: Stack | undefined;
let disk: SmallDisk | null = null;
let undisturbed: Rows;
beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS, behaviour: { faults: LARGE } });
  const started = await startStack({
    before: async ({ blobs }) => {
      disk = await smallDisk(blobs, 64 * MIB);
      return async () => disk?.unmount();
    },
  });
  stack = started;
  const id = await submitMixed(started, 'undisturbed', endpoint(server.url));
  await succeeded(started, id, 120_000);
  undisturbed = await rowsOf(started, id);
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  await server?.stop();
});

describe('the blob folder, full', () => {
  it('keeps a job in PREPARING until there is room', LONG, async () => {
    if (disk === null || stack === undefined) return;
    // Another limit of documents, so that nothing of it lies in the store already.
    const bundle = await uploadFiles(stack, mixed.files);
    signal(stack, 'runner', 'SIGSTOP');
    const tasks = mixed.tasks.map((name) => ({ name, limit: 9, genKwargsJson: '' }));
    const { id } = await stack.submit({
      requestId: 'preparing',
      target: endpoint(server.url),
      bundle,
      tasks,
    });
    await disk.fill();
    signal(stack, 'runner', 'SIGCONT');
    await said(stack, 'runner', 'BLOB_STORE_FULL');
    expect((await stack.job(id)).state).toBe(JobState.PREPARING);
    await disk.free();
    const job = await succeeded(stack, id, 120_000, { ...mixed, scores: 4 * 9 + 9 });
    expect(job.tasks.map(({ samples }) => Number(samples))).toEqual([9, 9, 18, 36]);
    await expectResult(stack, id, firstOf(undisturbed, 9));
  });

  it('keeps large answers waiting, and stores each once when there is room', LONG, async () => {
    if (disk === null || stack === undefined) return;
    await server.set({ delayMs: 500, limit: 8 });
    const before = await failures(stack);
    const id = await submitMixed(stack, 'large', endpoint(server.url));
    await midway(stack, id, 5);
    // The same answers lie in the store from the run before; these are others.
    await disk.fill();
    await server.set({ faults: LARGE.map((rule) => ({ ...rule, bytes: (rule.bytes ?? 0) + 1 })) });
    await until(
      'an answer waits to be stored',
      60_000,
      async () => stack !== undefined && (await failures(stack)) > before,
    );
    await sleep(5_000);
    expect((await stack.job(id)).state).toBe(JobState.RUNNING);
    await disk.free();
    await succeeded(stack, id, 120_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed);
  });
});

function firstOf(rows: Rows, docs: number): Rows {
  return new Map([...rows].map(([task, found]) => [task, new Map([...found].filter(([doc]) => doc < docs))]));
}

async function said(on: Stack, name: string, words: string): Promise<void> {
  await until(`the ${name} says ${words}`, 60_000, async () => (await on.logs(name)).includes(words));
}

/** How often an answer could not be stored for want of room. */
async function failures(on: Stack): Promise<number> {
  const line = /^\S*store_failures\S*reason="BLOB_STORE_FULL"\S* (\d+)$/m.exec(await on.metrics('runner'));
  return Number(line?.[1] ?? 0);
}
