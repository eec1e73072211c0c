import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { smallDisk, type SmallDisk } from '../support/small-disk.ts';
import { startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  midway,
  rowsOf,
  storedOnce,
  submitMixed,
  succeeded,
  until,
  type Rows,
} from './outage-world.ts';

const MIB = 1024 * 1024;
const SERVICES = ['scheduler', 'runner', 'sandbox', 'reporter'] as const;
const LONG = { timeout: 300_000 };

let server: ModelServer;
let stack: Stack | undefined;
let disk: SmallDisk | null = null;
let undisturbed: Rows;
beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS });
  const started = await startStack({
    ballast: { bytes: 8 * MIB, fullBytes: 2 * MIB },
    before: async ({ nats }) => {
      disk = await smallDisk(nats, 96 * MIB);
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

describe("the broker's disk, full in the middle of a job", () => {
  it('gets room from the ballast, and the job goes on', LONG, async () => {
    if (disk === null || stack === undefined) return;
    const { ballastFile } = stack.layout;
    await until('the ballast lies ready', 30_000, async () => existsSync(ballastFile));
    const before = lives(stack);
    const id = await slowly(stack, 'ballast');
    await disk.fill();
    await until('the ballast is released', 30_000, async () => !existsSync(ballastFile));
    await succeeded(stack, id, 240_000);
    await disk.free();
    await until('the ballast is laid again', 30_000, async () => existsSync(ballastFile));
    await whole(stack, id);
    expect(lives(stack)).toEqual(before);
  });

  it('full to the last byte, everything waits, and goes on when it is freed', LONG, async () => {
    if (disk === null || stack === undefined) return;
    const { ballastFile } = stack.layout;
    await until('the ballast lies ready', 30_000, async () => existsSync(ballastFile));
    const before = lives(stack);
    const id = await slowly(stack, 'full');
    await disk.fill();
    await until('the ballast is released', 30_000, async () => !existsSync(ballastFile));
    await disk.fill();
    await sleep(15_000);
    expect(lives(stack)).toEqual(before);
    await disk.free();
    await succeeded(stack, id, 240_000);
    await whole(stack, id);
    expect(lives(stack)).toEqual(before);
  });
});

/** A job in the middle of which there is time to act. */
async function slowly(on: Stack, requestId: string): Promise<string> {
  await server.set({ delayMs: 1_000, limit: 8 });
  const id = await submitMixed(on, requestId, endpoint(server.url));
  await midway(on, id, 10);
  return id;
}

async function whole(on: Stack, id: string): Promise<void> {
  await storedOnce(on, id);
  await expectResult(on, id, undisturbed);
}

/** How often each service was started again: none may die of a full disk. */
function lives(on: Stack): Record<string, number | undefined> {
  return Object.fromEntries(SERVICES.map((name) => [name, on.supervisor.children.get(name)?.restarts()]));
}
