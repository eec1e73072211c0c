import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/bad-input/world.ts';
import { assayProcess } from '../support/assay-process.ts';
import { answer } from '../support/fault-answers.ts';
import { mixedTasks } from '../support/mixed-tasks.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';

const mixed = mixedTasks({ generate: 12, choices: 6, code: 2, repeated: 2 });
let world: World;
let server: ModelServer;
let folder = '';
let tasksDir = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-cli-stack-'));
  tasksDir = path.join(folder, 'tasks');
  await mkdir(tasksDir);
  for (const [name, text] of Object.entries(mixed.files)) await writeFile(path.join(tasksDir, name), text);
  server = await startModelServer({ script: answer });
  world = await startWorld({});
}, 180_000);

afterAll(async () => {
  await world.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  assayProcess(args, { ASSAY_STATE: world.stack.layout.root, ...env });
const done = (...args: string[]) => start(args).ended;

async function json<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await done(...args, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
}

function submission(url: string, tasks: readonly string[], ...more: string[]): string[] {
  const target = ['--endpoint', url, '--model', 'scripted'];
  return ['submit', ...target, '--tasks', tasks.join(','), '--tasks-dir', tasksDir, ...more];
}

interface JobJson {
  readonly id: string;
  readonly state: string;
}

const lines = (text: string) => text.trimEnd().split('\n');

describe('assay against the real services', () => {
  it('submits, follows, shows, reports', { timeout: 120_000 }, async () => {
    const args = submission(server.url, mixed.tasks, '--request-id', 'one', '--no-watch');
    const { id } = await json<JobJson>(...args);
    expect((await json<JobJson>(...args)).id).toBe(id);

    const watched = await done('watch', id, '--json');
    expect(watched.code).toBe(0);
    const states = lines(watched.out).map((line) => (JSON.parse(line) as JobJson).state);
    expect(states.at(-1)).toBe('JOB_STATE_SUCCEEDED');
    const view = await done('watch', id);
    expect(view.code).toBe(0);
    for (const task of mixed.tasks) expect(view.out).toContain(task);

    expect(await json<JobJson[]>('jobs')).toMatchObject([{ id, state: 'JOB_STATE_SUCCEEDED' }]);
    expect((await done('jobs', '--only', 'failed')).out).toBe('no jobs\n');
    expect(await json<JobJson>('job', id)).toMatchObject({ id, requestId: 'one', endpoint: server.url });
    expect((await done('job', id)).out).toContain('REPORTED');

    expect((await done('report', id)).out).toMatch(/^# /);
    const { code, out } = await done('report', id, '--format', 'json');
    expect(code).toBe(0);
    expect(Object.keys((JSON.parse(out) as { results: object }).results).toSorted()).toEqual(
      mixed.tasks.toSorted(),
    );
    const output = path.join(folder, 'report');
    const { files } = await json<{ files: string[] }>('report', id, '--output', output);
    expect(files.filter((file) => file.includes('samples_'))).toHaveLength(mixed.tasks.length);

    const rows = lines((await done('samples', id, '--task', 'fault_generate', '--limit', '3')).out);
    expect(rows.map((row) => (JSON.parse(row) as { doc_id: number }).doc_id)).toEqual([0, 1, 2]);
    expect(await done('cancel', id)).toMatchObject({ code: 0, out: expect.stringContaining('over already') });
  });

  it('lists tasks and models', async () => {
    const { tasks } = await json<{ tasks: { name: string }[] }>('tasks', '--tasks-dir', tasksDir);
    const names = tasks.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...mixed.tasks, 'demo_choices']));
    expect((await done('tasks')).out).not.toContain('fault_');
    expect(await json('models')).toMatchObject({
      models: [{ name: 'smollm2-135m-instruct', devices: ['cpu'] }],
    });
  });

  it('tries a job without storing or asking anything', async () => {
    const before = [await world.jobsState(), (await server.requests()).total];
    const args = submission(server.url, ['fault_generate', 'fault_choices'], '--limit', '2', '--dry-run');
    const plan = await json<{ tasks: object[] }>(...args);
    expect(plan.tasks).toMatchObject([
      { name: 'fault_generate', samples: '2', requests: '2', firstPrompt: 'generate 0:' },
      { name: 'fault_choices', samples: '2', firstPrompt: expect.stringContaining('choose 0: red') },
    ]);
    expect(await done(...args)).toMatchObject({ code: 0, out: expect.stringContaining('generate 0:') });
    expect([await world.jobsState(), (await server.requests()).total]).toEqual(before);
  });

  it('takes the key of an endpoint from the environment, and leaves it nowhere', async () => {
    const key = 'key-of-the-command-line';
    const locked = await startModelServer({ behaviour: { apiKey: key }, script: answer });
    try {
      const args = submission(locked.url, ['fault_generate'], '--api-key-env', 'MY_KEY', '--watch');
      const { code, out, err } = await start(args, { MY_KEY: key }).ended;
      expect(code, err).toBe(0);
      expect(out + err).not.toContain(key);
      await expect.poll(() => world.holding(key), { timeout: 20_000 }).toEqual([]);
      expect(await start(args).ended).toMatchObject({ code: 2, err: expect.stringContaining('MY_KEY') });
    } finally {
      await locked.stop();
    }
  });
});

describe('exit codes', () => {
  it('1 for a request that is refused, with every field', async () => {
    const args = submission(server.url, ['nope', 'fault_generate'], '--limit', '0', '--no-watch');
    const { code, err, out } = await done(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    for (const words of ['(INVALID_REQUEST)', 'tasks[0].limit', 'tasks[1].limit', 'tasks[0].name'])
      expect(err).toContain(words);
    const { error } = JSON.parse((await done(...args, '--json')).out) as { error: { reason: string } };
    expect(error.reason).toBe('INVALID_REQUEST');
  });

  it('1 for a job that fails', async () => {
    const args = submission(server.url, ['fault_generate'], '--watch').map((arg) =>
      arg === 'scripted' ? 'other' : arg,
    );
    const { code, out } = await done(...args);
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('ENDPOINT_WRONG_MODEL') });
  });

  it.each([
    ['a flag that there is not', ['jobs', '--nope']],
    ['no model', ['submit', '--tasks', 'a']],
    ['a limit that is no number', ['submit', '--model', 'm', '--tasks', 'a', '--limit', 'x']],
    ['a command that there is not', ['nope']],
    ['a state folder that holds no Assay and a bad address', ['jobs', '--scheduler', 'http://h:1']],
  ])('2 for %s', async (_, args) => {
    const { code, out, err } = await done(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).not.toBe('');
  });

  it('3 for a server that is not there, and for a wrong token', async () => {
    expect(await done('jobs', '--scheduler', '127.0.0.1:9')).toMatchObject({
      code: 3,
      err: expect.stringContaining('UNAVAILABLE'),
    });
    expect(await done('jobs', '--token', 'wrong')).toMatchObject({
      code: 3,
      err: expect.stringContaining('UNAUTHENTICATED'),
    });
  });

  it('130 for Ctrl-C while watching, which leaves the job alone; 4 for a job that was cancelled', async () => {
    const slow = await startModelServer({ behaviour: { delayMs: 2_000 }, script: answer });
    try {
      const { id } = await json<JobJson>(
        ...submission(slow.url, ['fault_generate'], '--max-concurrency', '1', '--no-watch'),
      );
      const first = start(['watch', id, '--json']);
      await first.said(id);
      first.child.kill('SIGINT');
      expect((await first.ended).code).toBe(130);
      expect((await json<JobJson>('job', id)).state).not.toBe('JOB_STATE_CANCELLED');

      const second = start(['watch', id]);
      const cancelled = await done('cancel', id);
      expect(cancelled).toMatchObject({ code: 0, out: expect.stringContaining('being cancelled') });
      expect((await second.ended).code).toBe(4);
    } finally {
      await slow.stop();
    }
  });
});
