import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '@assay/lib/rpc';
import { JobState } from '@assay/proto/assay/v1/job';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { startStack, uploadFiles } from '../support/stack.ts';
import { ANSWERS, mixed, until } from './outage-world.ts';

let crashes = '';
let server: ModelServer;
beforeAll(async () => {
  crashes = await mkdtemp(path.join(tmpdir(), 'assay-crashes-'));
  // Slow enough that a job is still running when it is cancelled.
  server = await startModelServer({
    ownProcess: true,
    scriptModule: ANSWERS,
    behaviour: { delayMs: 2_000, limit: 2 },
  });
});
afterAll(async () => {
  await server.stop();
  await rm(crashes, { recursive: true, force: true });
});

/** The edges that a job which succeeds does not take, and the first one; the others are those of the fault test. */
describe('a job', () => {
  it(
    'is accepted once and over once, whichever of these edges its scheduler is killed at',
    { timeout: 240_000 },
    async () => {
      const stack = await startStack({ extra: { scheduler: { ASSAY_CRASH_POINT: crashes } } });
      const crashed = async (state: string, act: () => Promise<unknown>) => {
        const point = `scheduler.edge.${state}`;
        await writeFile(path.join(crashes, point), '');
        await act().catch(() => undefined);
        await until(`a crash at ${point}`, 60_000, async () => !(await readdir(crashes)).includes(point));
      };
      try {
        const bundle = await uploadFiles(stack, mixed.files);
        const submit = (requestId: string, model: string) =>
          stack.submit({
            requestId,
            target: { $case: 'endpoint', value: { baseUrl: server.url, model, apiKey: '' } },
            tasks: mixed.tasks.map((name) => ({ name, genKwargsJson: '' })),
            bundle,
          });
        const ids: string[] = [];
        const submitted = (requestId: string, model: string) =>
          until(
            `${requestId} is accepted`,
            60_000,
            async () => ids.push((await submit(requestId, model)).id) > 0,
          );

        await crashed('SUBMITTED', () => submit('accepted', 'scripted'));
        await submitted('accepted', 'scripted');
        const [cancelled = ''] = ids;
        await crashed('CANCELLED', () =>
          call(stack.jobs, 'cancelJob', { jobId: cancelled }, { deadlineMs: 5_000 }),
        );
        await crashed('FAILED', () => submitted('refused', 'another'));

        const failed = ids.at(-1) ?? '';
        const ends = await Promise.all([cancelled, failed].map((id) => stack.finished(id, 60_000)));
        expect(ends.map(({ state, reason }) => [state, reason])).toEqual([
          [JobState.CANCELLED, 'CANCELLED'],
          [JobState.FAILED, 'ENDPOINT_WRONG_MODEL'],
        ]);
        for (const { transitions, state } of ends) {
          expect(transitions.filter(({ to }) => to === JobState.SUBMITTED)).toHaveLength(1);
          expect(transitions.filter(({ to }) => to === state)).toHaveLength(1);
          expect(transitions.at(-1)?.to).toBe(state);
        }
        const all = { state: JobState.UNSPECIFIED, pageSize: 10, pageToken: '' };
        const { jobs } = await call(stack.jobs, 'listJobs', all, { deadlineMs: 5_000 });
        expect(jobs.map(({ id }) => id).toSorted()).toEqual([cancelled, failed].toSorted());
        expect(stack.supervisor.children.get('scheduler')?.restarts()).toBe(3);
      } finally {
        await stack.stop();
      }
    },
  );
});
