import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '@assay/cli/program';
import { AssayError } from '@assay/lib/errors';
import { Job, JobState } from '@assay/proto/assay/v1/job';
import { Result } from '@assay/proto/assay/v1/result';
import { FakeServices } from '../support/fake-services.ts';

let services: FakeServices;
let folder = '';

beforeEach(async () => {
  services = new FakeServices();
  await services.start();
  folder = await mkdtemp(path.join(tmpdir(), 'assay-cli-'));
});

afterEach(async () => {
  await services.stop();
  await rm(folder, { recursive: true, force: true });
});

const seconds = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();

function jobOf(state: JobState, scored = 0): Job {
  return Job.fromJSON({
    id: 'j1',
    state,
    reason: 'WHY',
    detail: 'in words',
    model: 'tiny',
    device: 'cpu',
    tasks: [{ name: 'a', docs: 10, samples: 10, generated: 10, scores: 10, scored, prepared: true }],
    transitions: [{ from: JobState.QUEUED, to: JobState.RUNNING, reason: 'SERVER_READY', time: seconds(10) }],
    createTime: seconds(0),
    ...(state === JobState.SUCCEEDED ? { endTime: seconds(20) } : {}),
    activity: ['runner: generates'],
  });
}

function resultOf(final: boolean): Result {
  return Result.fromJSON({
    jobId: 'j1',
    final,
    model: 'tiny',
    tasks: [
      {
        task: 'a',
        metrics: [
          {
            task: 'a',
            filter: 'none',
            metric: 'acc',
            value: 0.5,
            stderr: 0.1667,
            low: 0.2,
            high: 0.8,
            n: 10,
          },
        ],
        docs: 10,
        expected: 10,
        scored: 9,
        unscored: 1,
        coverage: 0.9,
        promptTokens: 900,
        completionTokens: 100,
        unscoredReasons: [{ reason: 'TIMED_OUT', count: 1 }],
      },
    ],
    resultsJson: '{"results": {}}',
    reportMarkdown: '# Report\n\u001b[2Jdone',
    files: [{ name: 'report.md', path: '/r/report.md', bytes: 3 }],
  });
}

/** The command line in this process, as `assay <args>` against the fakes. */
function assay(args: readonly string[], options: { tty?: boolean; env?: Record<string, string> } = {}) {
  const interrupted = new AbortController();
  const shown = { out: '', err: '', code: 0 };
  const waiting: { text: string; resolve: () => void }[] = [];
  const ended = run(args, {
    env: {
      ASSAY_SCHEDULER: services.address,
      ASSAY_REPORTER: services.address,
      ASSAY_TOKEN: services.token,
      ASSAY_STATE: folder,
      ...options.env,
    },
    out: {
      isTty: options.tty ?? false,
      width: 100,
      height: 30,
      write(text) {
        shown.out += text;
        for (const wait of waiting) if (shown.out.includes(wait.text)) wait.resolve();
      },
    },
    err: (line) => void (shown.err += `${line}\n`),
    interrupted: interrupted.signal,
    setExitCode: (code) => void (shown.code = code),
  });
  return {
    shown,
    interrupt: () => interrupted.abort(new Error('interrupted by SIGINT')),
    said: (text: string) =>
      new Promise<void>((resolve) => {
        waiting.push({ text, resolve });
        if (shown.out.includes(text)) resolve();
      }),
    end: () => ended.then(() => shown),
  };
}

const done = (args: readonly string[], options?: Parameters<typeof assay>[1]) => assay(args, options).end();

describe('assay submit', () => {
  it('sends what was asked, with the folder of tasks as a bundle', async () => {
    services.set(jobOf(JobState.SUBMITTED));
    const big = Buffer.alloc(2_500_000, 'x');
    await mkdir(path.join(folder, 'tasks/.git'), { recursive: true });
    await mkdir(path.join(folder, 'tasks/data'));
    await writeFile(path.join(folder, 'tasks/a.yaml'), 'task: a');
    await writeFile(path.join(folder, 'tasks/empty.yaml'), '');
    await writeFile(path.join(folder, 'tasks/data/big.jsonl'), big);
    await writeFile(path.join(folder, 'tasks/.git/config'), 'secret');
    await symlink('data/big.jsonl', path.join(folder, 'tasks/link.jsonl'));
    const { code, out } = await done(
      [
        ...['submit', '--endpoint', 'http://h/v1', '--model', 'm', '--api-key-env', 'KEY', '--tasks', 'a, b'],
        ...['--tasks-dir', path.join(folder, 'tasks'), '--limit', '5', '--num-fewshot', '0', '--seed', '7'],
        ...['--gen-kwargs', 'temperature=0,max_gen_toks=64', '--max-concurrency', '3', '--request-id', 'r1'],
      ],
      { env: { KEY: 'sk' } },
    );
    expect({ code, out }).toEqual({ code: 0, out: 'job j1 SUBMITTED; `assay watch j1` follows it\n' });
    const task = { limit: 5, numFewshot: 0, genKwargsJson: '{"temperature":0,"max_gen_toks":64}' };
    expect(services.submitted).toEqual([
      {
        requestId: 'r1',
        target: { $case: 'endpoint', value: { baseUrl: 'http://h/v1', model: 'm', apiKey: 'sk' } },
        tasks: [
          { name: 'a', ...task },
          { name: 'b', ...task },
        ],
        bundle: 'b1',
        seed: 7n,
        validateOnly: false,
        maxConcurrency: 3,
      },
    ]);
    expect([...services.uploaded.keys()].sort()).toEqual([
      'a.yaml',
      'data/big.jsonl',
      'empty.yaml',
      'link.jsonl',
    ]);
    expect(services.uploaded.get('data/big.jsonl')?.equals(big)).toBe(true);
    expect(services.largestPart).toBe(1024 * 1024);
  });

  it('follows the job with a table at the end', async () => {
    services.set(jobOf(JobState.RUNNING, 5));
    services.results.set('j1', resultOf(false));
    const command = assay(['submit', '--model', 'tiny', '--tasks', 'a', '--watch']);
    await command.said('RUNNING  WHY: in words');
    services.results.set('j1', resultOf(true));
    services.set(jobOf(JobState.SUCCEEDED, 10));
    const { code, out } = await command.end();
    expect(code).toBe(0);
    expect(out.split('\n').slice(2)).toEqual([
      '',
      'task  metric  filter  score   std. error  95 % interval    n   coverage',
      '────  ──────  ──────  ──────  ──────────  ───────────────  ──  ────────',
      'a     acc     none    0.5000      0.1667  0.2000 … 0.8000  10    90.0 %',
      '',
      'a: 1 of 10 unscored (1 TIMED_OUT); they lower the coverage, not the score',
      'time         10 s; 900 prompt and 100 generated tokens (100 tokens/s)',
      'report.md    /r/report.md',
      '',
    ]);
  });

  it('shows a dry run, with prompts that cannot touch the terminal', async () => {
    const { code, out } = await done(['submit', '--model', 'tiny', '--tasks', 'a', '--dry-run']);
    expect(code).toBe(0);
    expect(services.submitted[0]?.validateOnly).toBe(true);
    expect(out).toContain('placement: on cpu');
    expect(out).toContain('  │ Q:?\n  │ A:');
  });

  it('names every wrong option at once and sends nothing', async () => {
    const { code, err } = await done([
      'submit',
      '--limit',
      'many',
      '--seed',
      '1.5',
      '--api-key-env',
      'NO_SUCH',
    ]);
    expect(code).toBe(2);
    for (const flag of ['--model', '--tasks', '--limit', '--seed', '--api-key-env'])
      expect(err).toContain(flag);
    expect(services.submitted).toEqual([]);
  });

  it('says each field that the scheduler refuses', async () => {
    const violations = [{ field: 'tasks[0].name', message: 'no task "x"; did you mean "a"?' }];
    services.refusal = new AssayError('UNKNOWN_TASK', 'the job was not accepted: tasks[0].name no task', {
      violations,
    });
    const { code, err } = await done(['submit', '--model', 'tiny', '--tasks', 'x']);
    expect(code).toBe(1);
    expect(err).toBe(
      'assay: the job was not accepted (UNKNOWN_TASK)\n' +
        '  tasks[0].name: no task "x"; did you mean "a"?\n' +
        '  `assay tasks` lists the tasks; --tasks-dir adds your own\n',
    );
  });

  it('refuses a folder with a link that leads out, and says what the scheduler refuses of one', async () => {
    await writeFile(path.join(folder, 'outside'), 'x');
    await mkdir(path.join(folder, 'tasks'));
    const args = ['submit', '--model', 'tiny', '--tasks', 'a', '--tasks-dir', path.join(folder, 'tasks')];
    await symlink('../outside', path.join(folder, 'tasks/link'));
    expect(await done(args)).toMatchObject({
      code: 1,
      err: expect.stringContaining('link out of the folder'),
    });
    await rm(path.join(folder, 'tasks/link'));
    await writeFile(path.join(folder, 'tasks/a.exe'), Buffer.alloc(8_000_000));
    expect(await done(args)).toMatchObject({ code: 1, err: 'assay: no programs (BUNDLE_INVALID)\n' });
  });
});

describe('assay watch', () => {
  it('goes on when the scheduler comes back', async () => {
    services.set(jobOf(JobState.RUNNING, 1));
    const command = assay(['watch', 'j1'], { tty: true });
    await command.said('1/10 scored');
    await services.stop();
    await command.said('not reachable');
    services.set(jobOf(JobState.SUCCEEDED, 10));
    services.results.set('j1', resultOf(true));
    await services.start();
    expect(await command.end()).toMatchObject({ code: 0, out: expect.stringContaining('0.2000 … 0.8000') });
  });

  it('shows the running score, drawn in place', async () => {
    services.results.set('j1', resultOf(false));
    services.set(jobOf(JobState.RUNNING, 5));
    const command = assay(['watch', 'j1'], { tty: true });
    await command.said('acc 0.5000 [0.2000, 0.8000]');
    services.set(jobOf(JobState.CANCELLED, 5));
    const { code, out } = await command.end();
    expect(code).toBe(4);
    // oxlint-disable-next-line no-control-regex -- the cursor goes up over the four lines drawn before
    expect(out).toMatch(/\u001b\[4A\u001b\[2Kjob j1 {2}CANCELLED/);
  });

  it('stops watching on Ctrl-C, and says that the job goes on', async () => {
    services.set(jobOf(JobState.RUNNING));
    const command = assay(['watch', 'j1']);
    await command.said('RUNNING');
    command.interrupt();
    expect(await command.end()).toMatchObject({
      code: 130,
      err: expect.stringContaining('`assay cancel j1` ends it'),
    });
  });

  it('writes each change as JSON', async () => {
    services.set(jobOf(JobState.RUNNING));
    const command = assay(['--json', 'watch', 'j1']);
    await command.said('RUNNING');
    services.set(jobOf(JobState.FAILED));
    const { code, out } = await command.end();
    expect(code).toBe(1);
    expect(
      out
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text).state),
    ).toEqual(['JOB_STATE_RUNNING', 'JOB_STATE_FAILED']);
  });

  it('says that there is no such job', async () => {
    expect(await done(['watch', 'nope'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('(NOT_FOUND)'),
    });
  });
});

describe('assay, reading', () => {
  it('lists jobs over pages, and only those of a state', async () => {
    for (let i = 0; i < 5; i++)
      services.set({ ...jobOf(i < 4 ? JobState.RUNNING : JobState.FAILED), id: `j${i}` });
    const ids = async (...args: string[]) =>
      JSON.parse((await done(['jobs', '--json', ...args])).out).map((job: { id: string }) => job.id);
    expect(await ids()).toEqual(['j0', 'j1', 'j2', 'j3', 'j4']);
    expect(await ids('--limit', '3')).toEqual(['j0', 'j1', 'j2']);
    expect(await ids('--only', 'failed')).toEqual(['j4']);
    expect(await done(['jobs', '--only', 'broken'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('queued'),
    });
  });

  it('shows a job, the tasks and the models', async () => {
    services.set(jobOf(JobState.RUNNING, 5));
    expect((await done(['job', 'j1'])).out).toContain('SERVER_READY');
    expect((await done(['tasks'])).out).toContain('generate_until');
    expect(JSON.parse((await done(['models', '--json'])).out)).toMatchObject({ models: [{ name: 'tiny' }] });
    expect((await done(['cancel', 'j1'])).out).toBe(
      'job j1 is being cancelled; `assay watch j1` follows it\n',
    );
  });

  it('prints a report once there is one', async () => {
    services.results.set('j1', resultOf(false));
    expect(await done(['report', 'j1'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('not over'),
    });
    expect(JSON.parse((await done(['report', 'j1', '--json'])).out)).toMatchObject({ jobId: 'j1' });
    services.results.set('j1', resultOf(true));
    expect(await done(['report', 'j1'])).toMatchObject({ code: 0, out: '# Report\ndone\n' });
    expect(await done(['report', 'j1', '--format', 'json'])).toMatchObject({ out: '{"results": {}}\n' });
    expect(await done(['report', 'j1', '--format', 'pdf'])).toMatchObject({ code: 2 });
  });

  it('writes a report with its samples', async () => {
    services.results.set('j1', resultOf(true));
    services.rows = [
      { task: 'a', json: '{"doc_id": 0}' },
      { task: 'a', json: '{"doc_id": 1}\n' },
    ];
    const output = path.join(folder, 'new/report');
    expect(await done(['report', 'j1', '--output', output])).toMatchObject({ code: 0 });
    expect(await readFile(path.join(output, 'samples_a.jsonl'), 'utf8')).toBe(
      '{"doc_id": 0}\n{"doc_id": 1}\n',
    );
    expect(await readFile(path.join(output, 'results.json'), 'utf8')).toBe('{"results": {}}');
  });

  it('prints as many samples as were asked for, safely', async () => {
    services.rows = Array.from({ length: 1_000 }, (_, i) => ({
      task: 'a',
      json: `{"doc_id": ${i}, "t": "\u009b2J"}`,
    }));
    const { out } = await done(['samples', 'j1', '--task', 'a', '--failed', '--limit', '2'], { tty: true });
    expect(out).toBe('{"doc_id": 0, "t": "\\u009b2J"}\n{"doc_id": 1, "t": "\\u009b2J"}\n');
    expect(services.asked).toEqual([{ jobId: 'j1', task: 'a', failedOnly: true, unscoredOnly: false }]);
  });
});

describe('bin/assay', () => {
  const bin = path.join(import.meta.dirname, '../../cli/bin/assay');

  function spawned(...args: string[]) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      ASSAY_SCHEDULER: services.address,
      ASSAY_REPORTER: services.address,
      ASSAY_TOKEN: services.token,
    };
    const child = spawn(bin, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const shown = { out: '', err: '' };
    child.stdout.on('data', (text: Buffer) => (shown.out += text.toString('utf8')));
    child.stderr.on('data', (text: Buffer) => (shown.err += text.toString('utf8')));
    const ended = once(child, 'close').then(([code]: unknown[]) => ({ ...shown, code }));
    return { child, ended };
  }

  it('explains itself', async () => {
    const { code, out, err } = await spawned('--help').ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const name of [
      'submit',
      'watch',
      'jobs',
      'job',
      'cancel',
      'report',
      'samples',
      'tasks',
      'models',
      'local',
    ])
      expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(out).toContain('130 interrupted');
    expect((await spawned('no-such').ended).code).toBe(2);
  });

  it('ends with 130 on SIGINT, and leaves the job alone', async () => {
    services.set(jobOf(JobState.RUNNING));
    const { child, ended } = spawned('watch', 'j1');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, err: expect.stringContaining('the job goes on') });
  });

  it('ends without a word when its reader has seen enough', async () => {
    services.rows = Array.from({ length: 50_000 }, (_, i) => ({ task: 'a', json: `{"doc_id": ${i}}` }));
    const { child, ended } = spawned('samples', 'j1');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });
});

describe('assay, where it is', () => {
  it('says what to do about a wrong token and a server that is not there', async () => {
    expect(await done(['jobs'], { env: { ASSAY_TOKEN: 'wrong' } })).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^assay: .*\(UNAUTHENTICATED\)\n.*--token-file/),
    });
    expect(await done(['jobs', '--scheduler', 'http://h:1'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('host:port'),
    });
    await services.stop();
    expect(await done(['jobs'])).toMatchObject({
      code: 3,
      err: expect.stringMatching(
        /^assay: 127.0.0.1:\d+ cannot be reached: connect ECONNREFUSED.* \(UNAVAILABLE\)\n.*assay local status/,
      ),
    });
    const { out } = await done(['jobs', '--json']);
    expect(JSON.parse(out)).toMatchObject({ error: { reason: 'UNAVAILABLE' } });
  });

  it('reads the file of a local Assay, and keeps its token from others', async () => {
    const { address } = services;
    const none = { ASSAY_SCHEDULER: '', ASSAY_REPORTER: '', ASSAY_TOKEN: '' };
    expect(await done(['jobs'], { env: none })).toMatchObject({
      code: 3,
      err: expect.stringContaining('assay local up'),
    });
    await writeFile(
      path.join(folder, 'cli.json'),
      JSON.stringify({ scheduler: address, reporter: address, token: 'right' }),
    );
    expect(await done(['jobs'], { env: none })).toMatchObject({ code: 0, out: 'no jobs\n' });
    const elsewhere = `localhost:${address.split(':')[1]}`;
    expect(await done(['jobs', '--scheduler', elsewhere], { env: none })).toMatchObject({
      code: 3,
      err: expect.stringContaining('no token was sent'),
    });
    await writeFile(path.join(folder, 'cli.json'), '{');
    expect(await done(['jobs'], { env: none })).toMatchObject({
      code: 2,
      err: expect.stringContaining('damaged'),
    });
  });

  it('takes the token from a file', async () => {
    const file = path.join(folder, 'token');
    await writeFile(file, 'right\n');
    const env = { ASSAY_TOKEN: '' };
    expect(await done(['jobs', '--token-file', file], { env })).toMatchObject({ code: 0 });
    expect(await done(['jobs'], { env: { ...env, ASSAY_TOKEN_FILE: file } })).toMatchObject({ code: 0 });
    expect(await done(['jobs', '--token-file', `${file}.no`], { env })).toMatchObject({ code: 2 });
  });
});
