import type { Scoring } from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import type { Execution, Submission } from '@assay/lib/python';
import { describe, expect, it } from 'vitest';
import type { Executor } from '../ports.ts';
import { docsOf, EXACT, generation, inline, preparedDoc, shard } from '../testing/builders.ts';
import { executeGeneration } from './execute.ts';

const CODE: Scoring = {
  ...EXACT,
  per: 'sample',
  pipelines: [{ name: 'fence', steps: [{ function: 'take_first', args: {} }] }],
  code: { k: [1], cpuMs: 1, wallMs: 2, memoryBytes: 3, outputBytes: 4 },
};
const doc = preparedDoc({ code: { entry: 'f', prefix: 'def f():\n', tests: 'assert f()' } });
const docs = docsOf(shard(CODE, [doc]));
const execution: Execution = {
  status: 'AC',
  detail: '',
  stdout: new Uint8Array(),
  stderr: new Uint8Array(),
  cpuMs: 1,
  wallMs: 2,
  maxRssBytes: 3,
  attempts: 1,
};
const answer = generation({ kind: 'execute', repeat: 2 }, '    return 1');

function executor(run: (submission: Submission) => Execution): Executor {
  return { run: async (submission) => run(submission) };
}

describe('executeGeneration', () => {
  it('runs the program with its tests and limits, and scores the sample', async () => {
    const asked: Submission[] = [];
    const parts = {
      docs,
      outcomes: inline,
      executor: executor((submission) => (asked.push(submission), execution)),
    };
    const entry = await executeGeneration(parts, answer, 0);
    expect(asked).toEqual([
      {
        source: 'def f():\n    return 1',
        tests: { source: 'assert f()', entry: 'f', helpers: 'def f():\n' },
        limits: { cpuMs: 1, wallMs: 2, memoryBytes: 3, outputBytes: 4 },
      },
    ]);
    expect(entry).toMatchObject({
      repeat: 2,
      outcome: { metrics: { 'pass,fence': 1 }, verdict: { status: 'AC' } },
    });
  });

  it.for(['WA', 'TLE', 'MLE', 'OLE', 'RE', 'CE', 'PE'] as const)('%s does not pass', async (status) => {
    const parts = { docs, outcomes: inline, executor: executor(() => ({ ...execution, status })) };
    const entry = await executeGeneration(parts, answer, 0);
    expect(entry.outcome).toMatchObject({
      status: 'scored',
      metrics: { 'pass,fence': 0 },
      verdict: { status },
    });
  });

  it('keeps how often it was run, and the run that was near a limit', async () => {
    const nearLimit = { cpuMs: 1.1, wallMs: 2 };
    const parts = {
      docs,
      outcomes: inline,
      executor: executor(() => ({ ...execution, attempts: 2, nearLimit })),
    };
    const { outcome } = await executeGeneration(parts, answer, 0);
    expect(outcome).toMatchObject({ verdict: { attempts: 2, nearLimit } });
  });

  it('leaves the sample unscored when the jail gave no verdict, whatever it was tried', async () => {
    const failing = executor(() => {
      throw new AssayError('SANDBOX_FAULT', 'the zygote died');
    });
    const entry = await executeGeneration({ docs, outcomes: inline, executor: failing }, answer, 0);
    expect(entry.outcome).toMatchObject({ status: 'unscored', fault: { reason: 'SANDBOX_FAULT' } });
  });

  it.for([
    ['it was stopped before its turn', passing('UNAVAILABLE', 'stopping')],
    ['the jail was gone before there was a verdict', passing('SANDBOX_FAULT', 'away')],
  ] as const)('passes on that %s', async ([, error]) => {
    const failing = executor(() => {
      throw error;
    });
    const execute = executeGeneration({ docs, outcomes: inline, executor: failing }, answer, 0);
    await expect(execute).rejects.toBe(error);
  });
});
