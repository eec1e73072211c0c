import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityOf, parseIdentity } from '@assay/cli/local/process-identity';
import { SERVICES } from '@assay/cli/local/services';
import { startWorld, type World } from '../support/bad-input/world.ts';
import { assayProcess } from '../support/assay-process.ts';
import { answer } from '../support/fault-answers.ts';
import { mixedTasks } from '../support/mixed-tasks.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { natsServer } from '../support/nats.ts';

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

describe('assay local', () => {
  it('goes up once, says where it is, and comes down whole', { timeout: 180_000 }, async () => {
    const env = { ASSAY_STATE: path.join(folder, 'state'), ASSAY_NATS_SERVER: await natsServer() };
    const local = (...args: string[]) => assayProcess(args, env).ended;
    try {
      expect(await local('local', 'status')).toMatchObject({
        code: 1,
        out: expect.stringContaining('does not run'),
      });
      expect(await local('local', 'down')).toMatchObject({ code: 0, out: 'nothing ran\n' });
      expect(await local('jobs')).toMatchObject({ code: 3, err: expect.stringContaining('assay local up') });
      const up = await local('local', 'up', '--json');
      expect(up.code, up.err).toBe(0);
      const { pid } = JSON.parse(up.out) as { pid: number };
      expect(JSON.parse((await local('local', 'up', '--json')).out)).toMatchObject({ pid });
      const status = await local('local', 'status', '--json');
      expect(status.code).toBe(0);
      expect(JSON.parse(status.out)).toMatchObject({
        running: true,
        pid,
        services: SERVICES.map((name) => ({ name, ready: true })),
      });
      expect(await local('jobs')).toMatchObject({ code: 0, out: 'no jobs\n' });
      const pids = await pidsBelow(env.ASSAY_STATE);
      expect(pids).toHaveLength(5);
      expect(await local('local', 'down')).toMatchObject({ code: 0, out: 'stopped\n' });
      for (const each of [pid, ...pids]) expect(await identityOf(each)).toBeNull();
      expect((await local('local', 'status')).code).toBe(1);
      expect((await local('jobs')).code).toBe(3);
    } finally {
      await local('local', 'down');
    }
  });

  it('goes up once when it is told twice at the same moment', { timeout: 120_000 }, async () => {
    const env = { ASSAY_STATE: path.join(folder, 'twice'), ASSAY_NATS_SERVER: await natsServer() };
    const local = (...args: string[]) => assayProcess(['local', ...args], env).ended;
    try {
      const ups = await Promise.all([local('up', '--json'), local('up', '--json')]);
      const pids = ups.map(({ code, out, err }) => {
        expect(code, err).toBe(0);
        return (JSON.parse(out) as { pid: number }).pid;
      });
      expect(pids[0]).toBe(pids[1]);
      expect(await assayProcess(['jobs'], env).ended).toMatchObject({ code: 0, out: 'no jobs\n' });
    } finally {
      await local('down');
    }
  });

  it('refuses the folder of another version, with a word about reset', async () => {
    const env = { ASSAY_STATE: path.join(folder, 'older'), ASSAY_NATS_SERVER: await natsServer() };
    await mkdir(env.ASSAY_STATE);
    await writeFile(path.join(env.ASSAY_STATE, 'version'), '0\n');
    expect(await assayProcess(['local', 'up'], env).ended).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^assay: .*another version of Assay.*`assay local reset`.*\n$/),
    });
  });

  it('says at once that the broker that NATS_URL names is not there', async () => {
    const env = { ASSAY_STATE: path.join(folder, 'no-broker'), NATS_URL: 'nats://127.0.0.1:9' };
    expect(await assayProcess(['local', 'up'], env).ended).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^assay: .*NATS_URL: .*nats:\/\/127\.0\.0\.1:9.*\n/),
    });
  });

  it('that is interrupted while it goes up leaves nothing behind', { timeout: 60_000 }, async () => {
    const env = { ASSAY_STATE: path.join(folder, 'interrupted'), ASSAY_NATS_SERVER: await natsServer() };
    const up = assayProcess(['local', 'up'], env);
    let pids: number[] = [];
    while (pids.length < 5) {
      await sleep(20);
      pids = await pidsBelow(env.ASSAY_STATE).catch(() => []);
    }
    up.child.kill('SIGINT');
    expect(await up.ended).toMatchObject({ code: 130, err: 'interrupted\n' });
    for (const pid of pids) expect(await identityOf(pid)).toBeNull();
    expect((await assayProcess(['local', 'down'], env).ended).out).toBe('nothing ran\n');
  });

  it.each([
    ['down', 'stopped\n'],
    ['reset', expect.stringContaining('is empty')],
  ])('%s ends what a supervisor that was killed left running', { timeout: 120_000 }, async (command, out) => {
    const env = { ASSAY_STATE: path.join(folder, command), ASSAY_NATS_SERVER: await natsServer() };
    const local = (...args: string[]) => assayProcess(['local', ...args], env).ended;
    const { pid } = JSON.parse((await local('up', '--json')).out) as { pid: number };
    const said = lines((await local('logs', 'nats', '--json')).out).map((text) => JSON.parse(text) as object);
    expect(said[0]).toEqual({ log: 'nats', line: expect.stringContaining('nats-server') });
    const pids = await pidsBelow(env.ASSAY_STATE);
    process.kill(pid, 'SIGKILL');
    while ((await identityOf(pid)) !== null) await sleep(20);
    expect(await local(command)).toMatchObject({ code: 0, out });
    for (const each of pids) expect(await identityOf(each)).toBeNull();
    expect(await local('down', '--json')).toMatchObject({ code: 0, out: '{"stopped":false}\n' });
    expect((await local('reset', '--json')).out).toBe(
      `${JSON.stringify({ state: env.ASSAY_STATE, empty: true })}\n`,
    );
  });
});

/** Processes of the broker and the services, as their supervisor noted them. */
async function pidsBelow(state: string): Promise<number[]> {
  const run = path.join(state, 'run');
  const files = (await readdir(run)).filter((name) => name.endsWith('.pid'));
  const texts = await Promise.all(files.map((name) => readFile(path.join(run, name), 'utf8')));
  return texts.flatMap((text) => parseIdentity(text)?.pid ?? []);
}
