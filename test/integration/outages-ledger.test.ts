import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '@assay/lib/rpc';
import { JobState, type Job } from '@assay/proto/assay/v1/job';
import { mixedTasks } from '../support/mixed-tasks.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  midway,
  rowsOf,
  storedOf,
  submitMixed,
  succeeded,
  until,
  type Rows,
} from './outage-world.ts';

const LONG = { timeout: 240_000 };

let server: ModelServer;
let stack: Stack;
let undisturbed: Rows;
beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS });
  // A job of these tasks is expected to need about 0.3 MiB; two do not fit.
  stack = await startStack({ extra: { scheduler: { ASSAY_GENERATIONS_BYTES: '480KiB' } } });
  const id = await submitMixed(stack, 'undisturbed', endpoint(server.url));
  await succeeded(stack, id, 120_000);
  undisturbed = await rowsOf(stack, id);
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  await server?.stop();
});

describe('a ledger with room for one job', () => {
  it('lets the second job wait until the first is done, and gives it the room then', LONG, async () => {
    await server.set({ delayMs: 1_000, limit: 8 });
    const first = await submitMixed(stack, 'first', endpoint(server.url));
    await midway(stack, first, 20);
    const second = await submitMixed(stack, 'second', endpoint(server.url));
    const third = await submitMixed(stack, 'third', endpoint(server.url));
    await until('the second waits for the ledger', 30_000, async () => {
      const { state, reason } = await stack.job(second);
      return state === JobState.QUEUED && reason === 'LEDGER_FULL';
    });
    await until(
      'the third waits behind it',
      30_000,
      async () => (await stack.job(third)).reason === 'JOBS_AHEAD',
    );
    expect((await stack.job(second)).queuePosition).toBe(1);
    expect((await stack.job(third)).queuePosition).toBe(2);
    expect((await stack.job(first)).state).toBe(JobState.RUNNING);
    await server.set({ delayMs: 0 });
    const ends: Job[] = [];
    for (const id of [first, second, third]) ends.push(await succeeded(stack, id, 120_000));
    for (const { id } of ends) await expectResult(stack, id, undisturbed);
    // What a finished job left in the ledger goes when a waiting one needs the room.
    expect(await storedOf(stack, first)).toEqual([]);
    const times = ends.map(({ transitions }) => transitions.find(({ reason }) => reason === 'PLACED')?.time);
    expect(times.every((time, i) => i === 0 || (time ?? '') > (ends[i - 1]?.endTime ?? ''))).toBe(true);
  });

  it('refuses a job that is larger than the ledger, and lets the next one pass', LONG, async () => {
    const large = mixedTasks({ generate: 400, choices: 5, code: 1, repeated: 1 });
    const id = await submitMixed(stack, 'too large', endpoint(server.url), large);
    const job = await stack.finished(id, 60_000);
    expect([job.state, job.reason]).toEqual([JobState.FAILED, 'LEDGER_TOO_SMALL']);
    expect(job.detail).toMatch(/needs [\d.]+ MiB for generations .* at most [\d.]+ MiB/);
    const next = await submitMixed(stack, 'after it', endpoint(server.url));
    await succeeded(stack, next, 120_000);
    await expectResult(stack, next, undisturbed);
  });
});

describe('a job that is cancelled in the middle', () => {
  it('leaves nothing in the ledgers, and the next one has the room', LONG, async () => {
    await server.set({ delayMs: 400, limit: 8 });
    const id = await submitMixed(stack, 'cancelled', endpoint(server.url));
    await midway(stack, id, 20);
    await cancel(id);
    const job = await stack.finished(id, 30_000);
    expect([job.state, job.reason]).toEqual([JobState.CANCELLED, 'CANCELLED']);
    await until('its subjects are purged', 30_000, async () => (await storedOf(stack, id)).length === 0);
    await sleep(1_000);
    const { total } = await server.requests();
    await sleep(2_000);
    expect((await server.requests()).total, 'requests for a job that is over').toBe(total);
    await server.set({ delayMs: 0 });
    const next = await submitMixed(stack, 'after the cancelled', endpoint(server.url));
    await succeeded(stack, next, 120_000);
    await expectResult(stack, next, undisturbed);
    expect(await storedOf(stack, id)).toEqual([]);
    expect((await stack.result(id).catch(() => null))?.final ?? false).toBe(false);
  });
});

async function cancel(jobId: string): Promise<void> {
  await call(stack.jobs, 'cancelJob', { jobId }, { deadlineMs: 10_000 });
}
