import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBus } from '@assay/lib/bus';
import { createLog } from '@assay/lib/log';
import { call } from '@assay/lib/rpc';
import { JobState } from '@assay/proto/assay/v1/job';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { HOME, startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  midway,
  mixed,
  rowsOf,
  signal,
  storedOf,
  storedOnce,
  submitMixed,
  succeeded,
  until,
  type Rows,
} from './outage-world.ts';

const LONG = { timeout: 300_000 };
const ACK_WAIT = { ASSAY_ACK_WAIT: '4s' };
/** The sandbox's deliveries come again after this. */
const SANDBOX_ACK_WAIT_MS = 10_000;

let server: ModelServer;
let stack: Stack;
let undisturbed: Rows;
beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS });
  stack = await startStack({
    extra: { scheduler: { ASSAY_SCORE_STALL: '60s', ASSAY_PURGE_AGAIN: '20s' }, runner: ACK_WAIT },
  });
  const id = await submitMixed(stack, 'undisturbed', endpoint(server.url));
  await succeeded(stack, id, 120_000);
  undisturbed = await rowsOf(stack, id);
  await server.set({ delayMs: 400, limit: 8 });
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  await server?.stop();
});

describe('a worker that stands still with deliveries in hand', () => {
  it(
    'a sandbox: another one scores what it held, and what it does later counts nothing twice',
    LONG,
    async () => {
      const id = await submitMixed(stack, 'sandbox', endpoint(server.url));
      await midway(stack, id, 10);
      signal(stack, 'sandbox', 'SIGSTOP');
      await until('all is generated', 60_000, async () => (await stack.job(id)).state === JobState.SCORING);
      expect(await scored(id)).toBeLessThan(mixed.scores);
      const other = await startWorker('sandbox', {});
      try {
        await succeeded(stack, id, 120_000);
        signal(stack, 'sandbox', 'SIGCONT');
        await sleep(SANDBOX_ACK_WAIT_MS / 2);
        await expectResult(stack, id, undisturbed);
      } finally {
        await other.stop();
      }
    },
  );

  it('the only sandbox: it goes on where it stood, beside what came again', LONG, async () => {
    const id = await submitMixed(stack, 'only sandbox', endpoint(server.url));
    await midway(stack, id, 10);
    signal(stack, 'sandbox', 'SIGSTOP');
    await sleep(SANDBOX_ACK_WAIT_MS + 2_000);
    expect(await scored(id)).toBeLessThan(mixed.scores);
    signal(stack, 'sandbox', 'SIGCONT');
    await succeeded(stack, id, 120_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed);
  });

  it(
    'a runner: another one generates the rest, and the ledger refuses what the first still stores',
    LONG,
    async () => {
      const id = await submitMixed(stack, 'runner', endpoint(server.url));
      await midway(stack, id, 10);
      signal(stack, 'runner', 'SIGSTOP');
      const other = await startWorker('runner', ACK_WAIT);
      try {
        await succeeded(stack, id, 120_000);
        signal(stack, 'runner', 'SIGCONT');
        await sleep(3_000);
        await storedOnce(stack, id);
        await expectResult(stack, id, undisturbed);
      } finally {
        signal(stack, 'runner', 'SIGCONT');
        await other.stop();
      }
    },
  );
});

describe('a runner that is late', () => {
  it('leaves nothing behind of a job that was cancelled meanwhile', LONG, async () => {
    const id = await submitMixed(stack, 'late', endpoint(server.url));
    await midway(stack, id, 10);
    const [known] = await storedOf(stack, id);
    signal(stack, 'runner', 'SIGSTOP');
    await call(stack.jobs, 'cancelJob', { jobId: id }, { deadlineMs: 10_000 });
    const job = await stack.finished(id, 30_000);
    expect(job.state).toBe(JobState.CANCELLED);
    await until('its subjects are purged', 30_000, async () => (await storedOf(stack, id)).length === 0);
    signal(stack, 'runner', 'SIGCONT');
    // Whether the runner itself is still that late depends on the moment: this one certainly is.
    if (known === undefined) throw new Error('nothing was stored');
    const bus = await connect();
    try {
      expect(await bus.generations('p0').store(known.generation)).toBe('stored');
      expect(await storedOf(stack, id)).not.toEqual([]);
    } finally {
      await bus.close();
    }
    await until(
      'its subjects are purged again',
      60_000,
      async () => (await storedOf(stack, id)).length === 0,
    );
    expect((await stack.job(id)).state).toBe(JobState.CANCELLED);
    await server.set({ delayMs: 0 });
    const next = await submitMixed(stack, 'after it', endpoint(server.url));
    await succeeded(stack, next, 120_000);
    await expectResult(stack, next, undisturbed);
    expect(await storedOf(stack, id)).toEqual([]);
  });
});

async function scored(id: string): Promise<number> {
  return (await stack.job(id)).tasks.reduce((sum, task) => sum + Number(task.scored), 0);
}

/** Where the stack's broker is. */
async function broker(): Promise<{ readonly url: string; readonly token: string }> {
  const ports = JSON.parse(await readFile(stack.layout.portsFile, 'utf8')) as { readonly nats: number };
  return {
    url: `nats://127.0.0.1:${String(ports.nats)}`,
    token: await readFile(stack.layout.tokenFile, 'utf8'),
  };
}

async function connect() {
  return connectBus({
    ...(await broker()),
    name: 'late',
    log: createLog({ service: 'late', level: 'silent' }),
  });
}

/** A second worker of a service, beside the stack's own. */
async function startWorker(name: 'runner' | 'sandbox', extra: Readonly<Record<string, string>>) {
  const { url, token } = await broker();
  const { layout } = stack;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '/',
    ASSAY_NATS_URL: url,
    ASSAY_NATS_TOKEN: token,
    ASSAY_TOKEN: token,
    ASSAY_BLOB_DIR: layout.blobs,
    ...(name === 'runner' && { ASSAY_SECRETS_DIR: layout.secrets }),
    ...extra,
  };
  const child = spawn(process.execPath, [path.join(HOME, 'services', name, 'main.ts')], {
    env,
    stdio: 'ignore',
  });
  const ended = new Promise<void>((done) => void child.once('exit', () => done()));
  return {
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
