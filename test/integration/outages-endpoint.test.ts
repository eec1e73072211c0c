import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startModelServer, type FaultRule, type ModelServer } from '../support/model-server.ts';
import { startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  midway,
  mixed,
  rowsOf,
  storedOnce,
  submitMixed,
  succeeded,
  type Rows,
} from './outage-world.ts';

let server: ModelServer;
let stack: Stack;
let undisturbed: Rows;
const LONG = { timeout: 240_000 };

beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS });
  stack = await startStack({
    extra: {
      scheduler: { ASSAY_SCORE_STALL: '5s' },
      runner: {
        ASSAY_REQUEST_TIMEOUT: '4s',
      },
    },
  });
  const id = await submitMixed(stack, 'undisturbed', endpoint(server.url));
  await succeeded(stack, id, 120_000);
  undisturbed = await rowsOf(stack, id);
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  await server?.stop();
});
beforeEach(async () => {
  await server.set({ faults: [], delayMs: 0, limit: 0, retryAfter: null, down: false });
  await server.resetCounts();
});

const SLOW: ReadonlySet<string> = new Set(['429', '503']);

async function run(name: string, url: string): Promise<string> {
  const id = await submitMixed(stack, name, endpoint(url));
  await succeeded(stack, id, 200_000);
  await storedOnce(stack, id);
  return id;
}

describe('an endpoint that fails for a while', () => {
  it.each<[string, FaultRule, string]>([
    ['429 with Retry-After', { mode: 'status', status: 429 }, '429'],
    ['503 with Retry-After', { mode: 'status', status: 503 }, '503'],
    ['500', { mode: 'status', status: 500 }, '500'],
    ['what is not JSON', { mode: 'garbage' }, '200'],
    ['JSON without an answer', { mode: 'empty' }, '200'],
    ['half an answer', { mode: 'half' }, '200'],
    ['slowly', { mode: 'drip', pauseMs: 10 }, '200'],
    ['nothing, and hangs up', { mode: 'reset' }, '0'],
    ['never', { mode: 'silent' }, '0'],
  ])('answering %s loses nothing', LONG, async (_name, rule, status) => {
    const share = SLOW.has(status) || rule.mode === 'silent' ? 0.1 : 0.4;
    await server.set({ faults: [{ ...rule, share, attempts: 2 }], retryAfter: '0.5' });
    // Another name of the same server: what the runner learns of its limit stays with that name.
    const url = SLOW.has(status) ? server.url.replace('127.0.0.1', 'localhost') : server.url;
    const id = await run(`passing ${rule.mode} ${status}`, url);
    await expectResult(stack, id, undisturbed);
    const { statuses, total } = await server.requests();
    expect(statuses[status]).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(mixed.samples);
  });

  it('killed in the middle and started again, it is asked for the rest', LONG, async () => {
    await server.set({ delayMs: 400, limit: 8 });
    const id = await submitMixed(stack, 'killed', endpoint(server.url));
    await midway(stack, id, 20);
    const { port } = server;
    await server.kill();
    await sleep(3_000);
    server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS, port });
    await succeeded(stack, id, 200_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed);
    expect((await server.requests()).total).toBeLessThan(mixed.samples * 3);
  });
});
