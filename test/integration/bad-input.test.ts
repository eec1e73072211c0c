import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import { JobState } from '@assay/proto/assay/v1/job';
import { endpoint, T } from '../support/bad-input/refused.ts';
import { startTalkativeServer, unfitServers } from '../support/bad-input/servers.ts';
import { BUNDLE_BYTES, RECEIVE_BYTES, submissions } from '../support/bad-input/submissions.ts';
import { goodTask, longTask } from '../support/bad-input/tasks.ts';
import { startWorld, type Files, type World } from '../support/bad-input/world.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';

let world: World;
let server: ModelServer;

beforeAll(async () => {
  server = await startModelServer();
  const scheduler = { ASSAY_BUNDLE_BYTES: String(BUNDLE_BYTES), ASSAY_RECEIVE_BYTES: String(RECEIVE_BYTES) };
  world = await startWorld({ extra: { scheduler } });
}, 180_000);

afterAll(async () => {
  await world.stop();
  await server.stop();
});

function submit(baseUrl: string, files: Files, apiKey = ''): Promise<string> {
  return world.submit(files, { target: endpoint({ baseUrl, apiKey }), tasks: [T] });
}

async function ended(job: string) {
  const { state, reason, detail, transitions, tasks } = await world.stack.finished(job, 60_000);
  const states = transitions.map((edge) => edge.to);
  return { state, reason, detail, states, generated: tasks.map((task) => Number(task.generated)) };
}

describe('what is refused at submit', () => {
  beforeAll(async () => {
    const target = endpoint({ baseUrl: server.url });
    const first = await world.submit(goodTask(), { requestId: 'first', target, tasks: [T] });
    expect(await ended(first)).toMatchObject({ state: JobState.SUCCEEDED });
  }, 120_000);

  it.each(submissions)('$title', async ({ act, reason, fields }) => {
    const before = await world.jobsState();
    const refusal = await act(world).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(AssayError);
    if (!(refusal instanceof AssayError)) return;
    const named = refusal.violations.map(({ field }) => field);
    expect({ reason: refusal.reason, fields: named.toSorted() }, refusal.message).toEqual({
      reason,
      fields: fields.toSorted(),
    });
    expect(await world.jobsState()).toEqual(before);
    await world.alive();
  });

  it('takes the same request again as the same job, and writes nothing', async () => {
    const before = await world.jobsState();
    const target = endpoint({ baseUrl: server.url });
    const again = await world.submit(goodTask(), { requestId: 'first', target, tasks: [T] });
    expect((await world.stack.job(again)).requestId).toBe('first');
    expect(await world.jobsState()).toEqual(before);
  });
});

describe('what ends a job before its first shard', () => {
  async function fails(job: string, reason: string, says: readonly string[]): Promise<void> {
    const { states, ...end } = await ended(job);
    expect(end, end.detail).toMatchObject({ state: JobState.FAILED, reason, generated: [0] });
    for (const words of says) expect(end.detail).toContain(words);
    expect(states).not.toContain(JobState.RUNNING);
    expect(await world.generations(job)).toBe(0);
    const after = await world.jobsState();
    await world.alive();
    expect(await world.jobsState()).toEqual(after);
  }

  it.each(unfitServers)('a server that $title', async ({ behaviour, files, apiKey, reason, says }) => {
    const unfit = await startModelServer({ behaviour });
    try {
      await fails(await submit(unfit.url, files, apiKey), reason, says);
      // Asked a few words to see what it can do; never what a task asks.
      expect((await unfit.requests()).total).toBeLessThan(8);
    } finally {
      await unfit.stop();
    }
  });

  it('an endpoint that cannot be reached', { timeout: 90_000 }, async () => {
    const gone = await startModelServer();
    await gone.stop();
    await fails(await submit(gone.url, goodTask()), 'ENDPOINT_UNREACHABLE', [gone.url, 'ECONNREFUSED']);
  });
});

describe('prompts that are longer than the context', () => {
  it('are truncated where the task says so, counted and reported', async () => {
    const small = await startModelServer({ behaviour: { contextLength: 256 } });
    try {
      const job = await submit(small.url, longTask('long_prompt: truncate'));
      expect(await ended(job)).toMatchObject({ state: JobState.SUCCEEDED });
      const edge = (await world.stack.job(job)).transitions.find(({ to }) => to === JobState.RUNNING);
      expect(edge?.detail).toMatch(/T: 1 prompt .* exceed the context of 256 tokens .*truncated on the left/);
      const result = await world.stack.result(job);
      expect(result.tasks).toMatchObject([{ truncatedPrompts: 1n, coverage: 1 }]);
      expect(result.reportMarkdown).toMatch(/truncated/i);
    } finally {
      await small.stop();
    }
  });
});

describe('the key of an endpoint', () => {
  const secretFiles = () => readdir(world.stack.layout.secrets);

  it('is kept in a file of mode 0600 until the job ends, and nowhere else', async () => {
    const key = 'key-that-nobody-may-see-1';
    const slow = await startModelServer({ behaviour: { apiKey: key, delayMs: 1_000 } });
    try {
      const job = await submit(slow.url, goodTask(), key);
      await expect.poll(async () => (await slow.requests()).total, { timeout: 30_000 }).toBeGreaterThan(1);
      const file = path.join(world.stack.layout.secrets, job);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await readFile(file, 'utf8')).toBe(key);
      expect(await world.holding(key)).toEqual([path.relative(world.stack.layout.root, file)]);
      expect(await ended(job)).toMatchObject({ state: JobState.SUCCEEDED });
      await expect.poll(secretFiles, { timeout: 30_000 }).toEqual([]);
      expect(await world.holding(key)).toEqual([]);
      expect(
        JSON.stringify([await world.stack.job(job), await world.stack.result(job)], texts),
      ).not.toContain(key);
    } finally {
      await slow.stop();
    }
  });

  it('is kept out of the words of a server that repeats it', async () => {
    const key = 'key-that-nobody-may-see-2';
    const talkative = await startTalkativeServer();
    try {
      const end = await ended(await submit(talkative.url, goodTask(), key));
      expect(end).toMatchObject({ state: JobState.FAILED, reason: 'ENDPOINT_UNAUTHORIZED' });
      expect(end.detail).toContain('Incorrect API key provided');
      expect(end.detail).not.toContain(key);
      await expect.poll(secretFiles, { timeout: 30_000 }).toEqual([]);
      expect(await world.holding(key)).toEqual([]);
    } finally {
      await talkative.stop();
    }
  });
});

function texts(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
