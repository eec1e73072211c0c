import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModelServer, type FaultRule, type ModelServer } from '../support/model-server.ts';
import { startStack, type Stack } from '../support/stack.ts';
import {
  ANSWERS,
  endpoint,
  expectResult,
  rowsOf,
  storedOnce,
  submitMixed,
  succeeded,
  type Rows,
} from './outage-world.ts';

let server: ModelServer;
let stack: Stack;
let undisturbed: Rows;

beforeAll(async () => {
  server = await startModelServer({ ownProcess: true, scriptModule: ANSWERS });
  stack = await startStack({
    extra: {
      runner: {
        ASSAY_REQUEST_TIMEOUT: '4s',
        ASSAY_REQUEST_ATTEMPTS: '3',
        ASSAY_RATE_LIMIT_PATIENCE: '8s',
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

  it('leaves those unscored with the reason, and scores the rest alone', { timeout: 240_000 }, async () => {
    const faults = NEVER.map(([rule], i) => ({ ...rule, match: `generate ${String(i)}:` }));
    const others: FaultRule[] = [
      { mode: 'status', status: 500, match: 'choose 2:' },
      { mode: 'garbage', match: 'code 3' },
      { mode: 'silent', match: 'vote 4:' },
    ];
    await server.set({ faults: [...faults, ...others] });
    await server.resetCounts();
    const id = await submitMixed(stack, 'for ever', endpoint(server.url));
    await succeeded(stack, id, 200_000);
    await storedOnce(stack, id);
    await expectResult(stack, id, undisturbed, {
      fault_generate: Object.fromEntries(NEVER.map(([, reason], i) => [i, reason])),
      fault_choices: { 2: 'REQUEST_FAILED' },
      fault_code: { 3: 'RESPONSE_INVALID' },
      fault_repeated: { 4: 'TIMED_OUT' },
    });
    // A refusal is not asked again; a fault is, as often as the runner is told.
    const asked = (await server.requests()).statuses;
    expect(asked['400']).toBe(1);
    expect(asked['500']).toBeGreaterThanOrEqual(2 * 3);
  });
});
