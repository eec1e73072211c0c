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
        ASSAY_REQUEST_ATTEMPTS: '4',
        ASSAY_RATE_LIMIT_PATIENCE: '20s',
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

async function run(name: string): Promise<string> {
  const id = await submitMixed(stack, name, endpoint(server.url));
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
    const share = rule.mode === 'silent' ? 0.1 : 0.4;
    await server.set({ faults: [{ ...rule, share, attempts: 2 }], retryAfter: '0.5' });
    const id = await run(`passing ${rule.mode} ${String(rule.status)}`);
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
    server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS, port });
    await succeeded(stack, id, 200_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed);
    expect((await server.requests()).total).toBeLessThan(mixed.samples * 3);
  });
});

describe('an endpoint that fails some prompts for ever', () => {
  const NEVER: readonly [FaultRule, string][] = [
    [{ mode: 'status', status: 500 }, 'REQUEST_FAILED'],
    [{ mode: 'status', status: 400 }, 'REQUEST_FAILED'],
    [{ mode: 'status', status: 429 }, 'RATE_LIMITED'],
    [{ mode: 'garbage' }, 'RESPONSE_INVALID'],
    [{ mode: 'empty' }, 'RESPONSE_INVALID'],
    [{ mode: 'half' }, 'RESPONSE_INVALID'],
    [{ mode: 'reset' }, 'REQUEST_FAILED'],
    [{ mode: 'drip', pauseMs: 1_000 }, 'TIMED_OUT'],
    [{ mode: 'silent' }, 'TIMED_OUT'],
  ];

  it('leaves those unscored with the reason, and scores the rest alone', LONG, async () => {
    const faults = NEVER.map(([rule], i) => ({ ...rule, match: `generate ${String(i)}:` }));
    const others: FaultRule[] = [
      { mode: 'status', status: 500, match: 'choose 2:' },
      { mode: 'garbage', match: 'code 3' },
      { mode: 'silent', match: 'vote 4:' },
    ];
    await server.set({ faults: [...faults, ...others] });
    const id = await run('for ever');
    await expectResult(stack, id, undisturbed, {
      fault_generate: Object.fromEntries(NEVER.map(([, reason], i) => [i, reason])),
      fault_choices: { 2: 'REQUEST_FAILED' },
      fault_code: { 3: 'RESPONSE_INVALID' },
      fault_repeated: { 4: 'TIMED_OUT' },
    });
    // A refusal is not asked again; a fault is, as often as the runner is told.
    const asked = (await server.requests()).statuses;
    expect(asked['400']).toBe(1);
    expect(asked['500']).toBeGreaterThanOrEqual(4);
  });
});
