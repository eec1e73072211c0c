import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobState } from '@assay/proto/assay/v1/job';
import { mixedTasks } from '../support/mixed-tasks.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startStack, uploadFiles, type Stack } from '../support/stack.ts';

const mixed = mixedTasks({ generate: 60, choices: 30, code: 10, repeated: 10 });
let server: ModelServer;
let stack: Stack;
beforeAll(async () => {
  server = await startModelServer({
    scriptModule: path.join(import.meta.dirname, '../support/fault-answers.ts'),
  });
  stack = await startStack();
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const target = () => ({
  $case: 'endpoint' as const,
  value: { baseUrl: server.url, model: 'scripted', apiKey: '' },
});

describe('one evaluation through all four services', () => {
  it('succeeds with every score once, and says what it found', { timeout: 120_000 }, async () => {
    const bundle = await uploadFiles(stack, mixed.files);
    const tasks = mixed.tasks.map((name) => ({ name, genKwargsJson: '' }));
    const { id } = await stack.submit({ requestId: 'one', target: target(), tasks, bundle });
    const job = await stack.finished(id, 90_000);
    expect(job, `${job.reason}: ${job.detail}`).toMatchObject({
      state: JobState.SUCCEEDED,
      reason: 'REPORTED',
    });
    expect(job.detail).toContain(`all ${mixed.scores} scores once`);
    expect(job.transitions.map((edge) => edge.to.replace('JOB_STATE_', ''))).toEqual([
      'SUBMITTED',
      'PREPARING',
      'QUEUED',
      'STARTING',
      'RUNNING',
      'SCORING',
      'AUDITING',
      'SUCCEEDED',
    ]);
    const result = await stack.result(id);
    expect(result.final).toBe(true);
    const metrics = result.tasks.map((task) => [
      task.task,
      task.coverage,
      task.metrics.map((metric) => `${metric.metric},${metric.filter}`),
    ]);
    expect(metrics).toEqual([
      ['fault_generate', 1, ['exact_match,digit']],
      ['fault_choices', 1, ['acc,none', 'acc_norm,none']],
      ['fault_code', 1, ['pass@1,none', 'pass@2,none']],
      ['fault_repeated', 1, ['exact_match,vote']],
    ]);
    for (const { metrics: values } of result.tasks) {
      for (const metric of values) {
        expect(metric.value).toBeGreaterThan(0);
        expect(metric.low ?? Number.NaN).toBeLessThanOrEqual(metric.value);
        expect(metric.high ?? Number.NaN).toBeGreaterThanOrEqual(metric.value);
      }
    }
  });
});
