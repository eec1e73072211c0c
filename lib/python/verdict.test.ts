import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Done } from './frames.ts';
import type { Submission } from './submission.ts';
import { isNearLimit, isSuspicious, judge, judgeCrash, withMargin } from './verdict.ts';

const limits = { cpuMs: 1_000, wallMs: 3_000, memoryBytes: 1 << 28, outputBytes: 1_000 };
const program: Submission = { source: '', limits };
const tested: Submission = { ...program, tests: { source: '', entry: 'f', helpers: '' } };
const none = Buffer.alloc(0);
const fine: Done = {
  id: 1,
  program: 0,
  judge: null,
  endedBy: 'itself',
  cpuMs: 2,
  wallMs: 3,
  maxRssBytes: 4,
  stdout: none,
  stderr: none,
  ending: none,
  verdict: none,
};
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const exited = (code: number): number => code << 8;
const passed: Done = {
  ...fine,
  judge: 0,
  program: 9,
  verdict: json({ nonce: 'n', status: 'AC', detail: '' }),
};

describe('a program without tests', () => {
  it.for([
    ['that ends with code 0 is OK', fine, 'OK'],
    ['that ends with another code is a runtime error', { ...fine, program: exited(3) }, 'RE'],
    ['killed by a signal is a runtime error', { ...fine, program: 11 }, 'RE'],
    ['ended at its CPU limit is a time-out', { ...fine, program: 9, endedBy: 'cpu' }, 'TLE'],
    ['ended by SIGXCPU is a time-out', { ...fine, program: 24 }, 'TLE'],
    ['ended at its wall limit is a time-out', { ...fine, program: 9, endedBy: 'wall' }, 'TLE'],
    ['that wrote too much is over its output', { ...fine, endedBy: 'output' }, 'OLE'],
  ] as const)('%s', ([, done, status]) => {
    expect(judge(done, program, 'n').status).toBe(status);
  });

  it.for([
    [{ end: 'syntax', type: 'SyntaxError', text: 'x' }, 'CE'],
    [{ end: 'exception', type: 'MemoryError', text: '' }, 'MLE'],
    [{ end: 'exception', type: 'ValueError', text: 'x' }, 'RE'],
    ['garbage', 'RE'],
  ] as const)('says why it failed: %j', ([ending, status]) => {
    expect(judge({ ...fine, program: exited(1), ending: json(ending) }, program, 'n').status).toBe(status);
  });

  it('cannot talk its way out of its exit code', () => {
    const done = { ...fine, program: exited(1), ending: json({ end: 'fine', status: 'AC' }) };
    expect(judge(done, program, 'n').status).toBe('RE');
  });
});

describe('a submission with tests', () => {
  it('passes with the verdict of its judge', () => {
    expect(judge(passed, tested, 'n')).toEqual({ status: 'AC', detail: '' });
  });

  it('needs the nonce of this run, whatever else is there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (verdict, ending) => {
        const done = { ...passed, verdict: Buffer.from(verdict), ending: Buffer.from(ending) };
        expect(judge(done, tested, 'n').status).not.toBe('AC');
      }),
    );
    expect(judge(passed, tested, 'another').status).toBe('IE');
  });

  it('does not pass over its limits', () => {
    for (const endedBy of ['cpu', 'wall', 'output'] as const) {
      expect(judge({ ...passed, endedBy }, tested, 'n').status).not.toBe('AC');
    }
  });

  it('that ended early is told by its own end', () => {
    const early = {
      ...passed,
      verdict: json({ nonce: 'n', status: 'RE', detail: 'ended' }),
      program: exited(1),
    };
    const ending = json({ end: 'syntax', type: 'SyntaxError', text: 'x' });
    expect(judge({ ...early, ending }, tested, 'n')).toEqual({ status: 'CE', detail: 'SyntaxError: x' });
    expect(judge({ ...early, program: 11 }, tested, 'n').detail).toBe('ended by SIGSEGV');
    expect(judge({ ...early, program: exited(0) }, tested, 'n').detail).toBe('ended');
  });

  it('keeps what a model wrote harmless in the detail', () => {
    const verdict = json({ nonce: 'n', status: 'WA', detail: `\u001b[2J\ud800${'x'.repeat(400)}` });
    const { detail } = judge({ ...passed, verdict }, tested, 'n');
    expect(detail).toHaveLength(300);
    expect(detail.isWellFormed()).toBe(true);
    expect(detail).not.toContain('\u001b');
  });
});

it('a wall time-out with little CPU time is near the limit, one with all of it is not', () => {
  expect(isNearLimit({ ...fine, endedBy: 'wall' }, program)).toBe(true);
  expect(isNearLimit({ ...fine, endedBy: 'wall', cpuMs: 1_000 }, program)).toBe(false);
  expect(isNearLimit({ ...fine, endedBy: 'cpu' }, program)).toBe(false);
});

it('an end with a little more CPU time than there is is near the limit, and no pass', () => {
  const over = { ...passed, cpuMs: 1_100 };
  expect(isNearLimit(over, tested)).toBe(true);
  expect(judge(over, tested, 'n').status).toBe('TLE');
  expect(isNearLimit({ ...over, endedBy: 'cpu' }, tested)).toBe(false);
  expect(isNearLimit({ ...over, program: 24 }, tested)).toBe(false);
  expect(withMargin(tested).limits).toEqual({ ...limits, cpuMs: 1_200 });
});

it('a judge crashes by itself alone', () => {
  expect([11, 9, 24, 0, null].map((status) => judgeCrash({ ...fine, judge: status }))).toEqual([
    'SIGSEGV',
    null,
    null,
    null,
    null,
  ]);
});

it('a crash of memory is suspicious, an end by us is not', () => {
  expect(isSuspicious({ ...fine, program: 11 })).toBe(true);
  expect(isSuspicious({ ...fine, program: 9 })).toBe(false);
});
