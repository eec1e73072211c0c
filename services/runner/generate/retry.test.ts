import { describe, expect, it } from 'vitest';
import type { Failure } from '../ports.ts';
import { decide, NO_TRIES, type Moment, type Tries } from './retry.ts';

const POLICY = { attempts: 3, patienceMs: 10_000 };
const failure = (kind: Failure['kind'], more: Partial<Failure> = {}): Failure => ({
  ok: false,
  kind,
  status: 0,
  detail: 'it failed',
  ...more,
});
const moment = (change: Partial<Moment> = {}): Moment => ({
  nowMs: 0,
  random: 0.5,
  serverGone: false,
  ...change,
});

function run(failures: readonly Failure[], change: Partial<Moment> = {}) {
  let tries: Tries = NO_TRIES;
  let nowMs = 0;
  for (const one of failures) {
    const decision = decide(one, tries, POLICY, moment({ nowMs, ...change }));
    if (decision.next !== 'again') return { decision, nowMs };
    tries = decision.tries;
    nowMs += decision.waitMs;
  }
  return { decision: null, nowMs };
}

describe('deciding what to do after a failure', () => {
  it.each([
    ['server-error', 'REQUEST_FAILED'],
    ['broken', 'REQUEST_FAILED'],
    ['cut-off', 'RESPONSE_INVALID'],
    ['invalid', 'RESPONSE_INVALID'],
    ['timed-out', 'TIMED_OUT'],
  ] as const)('gives %s up as %s after all tries', (kind, reason) => {
    const { decision } = run(Array.from({ length: 3 }, () => failure(kind)));
    expect(decision).toMatchObject({ next: 'fault', fault: { reason, attempts: 3 } });
    expect(run(Array.from({ length: 2 }, () => failure(kind))).decision).toBeNull();
  });

  it.each([
    ['refused', 'REQUEST_FAILED'],
    ['unauthorized', 'ENDPOINT_UNAUTHORIZED'],
    ['too-long', 'PROMPT_TOO_LONG'],
    ['too-large', 'RESPONSE_INVALID'],
  ] as const)('gives %s up at once as %s', (kind, reason) => {
    expect(run([failure(kind)]).decision).toMatchObject({ next: 'fault', fault: { reason, attempts: 1 } });
  });

  it('counts neither refusals for now nor a server that is away as tries', () => {
    const many = Array.from({ length: 8 }, () => [failure('limited'), failure('unreachable')]).flat();
    expect(run([...many, failure('invalid'), failure('invalid')], { random: 0.01 }).decision).toBeNull();
  });

  it('honours Retry-After, and gives up when the patience is over', () => {
    const wait = failure('limited', { status: 429, retryAfterMs: 3_000 });
    const first = decide(wait, NO_TRIES, POLICY, moment());
    expect(first).toMatchObject({ next: 'again' });
    expect(first.next === 'again' && first.waitMs).toBeGreaterThanOrEqual(3_000);
    const end = run(Array.from({ length: 10 }, () => wait));
    expect(end.decision).toMatchObject({ next: 'fault', fault: { reason: 'RATE_LIMITED' } });
    expect(end.nowMs).toBeLessThanOrEqual(10_000);
  });

  it('does not hold a request against it when the server died, but not for ever', () => {
    const died = Array.from({ length: 10 }, () => failure('broken'));
    expect(run(died, { serverGone: true }).decision).toBeNull();
    expect(run([...died, failure('broken')], { serverGone: true }).decision).toMatchObject({ next: 'fault' });
  });

  it('waits longer from try to try, with full jitter', () => {
    const wait = (attempts: number, random: number) => {
      const decision = decide(
        failure('invalid'),
        { ...NO_TRIES, attempts },
        { ...POLICY, attempts: 9 },
        moment({ random }),
      );
      return decision.next === 'again' ? decision.waitMs : Number.NaN;
    };
    expect(wait(0, 0)).toBe(0);
    expect(wait(3, 0.9)).toBeGreaterThan(wait(1, 0.9));
    expect(wait(7, 0.999)).toBeLessThanOrEqual(20_000);
  });
});
