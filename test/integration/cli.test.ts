import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssayError } from '@assay/lib/errors';
import { JobState } from '@assay/proto/assay/v1/job';
import { assay, jobOf, resultOf, type Surroundings } from '../support/cli.ts';
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

type Options = Partial<Pick<Surroundings, 'tty' | 'env'>>;
const start = (args: readonly string[], options: Options = {}) =>
  assay(args, { services, folder, ...options });
const done = (args: readonly string[], options: Options = {}) => start(args, options).end();

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
        'submit',
        '--endpoint',
        'http://h/v1',
        '--model',
        'm',
        '--api-key-env',
        'KEY',
        '--tasks',
        'a, b',
        '--tasks-dir',
        path.join(folder, 'tasks'),
        '--limit',
        '5',
        '--num-fewshot',
        '0',
        '--seed',
        '7',
        '--gen-kwargs',
        'temperature=0,max_gen_toks=64',
        '--max-concurrency',
        '3',
        '--request-id',
        'r1',
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
    const command = start(['submit', '--model', 'tiny', '--tasks', 'a', '--watch']);
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
      'files        /r/report.md',
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
    const command = start(['watch', 'j1'], { tty: true });
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
    const command = start(['watch', 'j1'], { tty: true });
    await command.said('acc 0.5000 [0.2000, 0.8000]');
    services.set(jobOf(JobState.CANCELLED, 5));
    const { code, out } = await command.end();
    expect(code).toBe(4);
    // oxlint-disable-next-line no-control-regex -- the cursor goes up over the four lines drawn before
    expect(out).toMatch(/\u001b\[4A\u001b\[2Kjob j1 {2}CANCELLED/);
  });

  it('stops watching on Ctrl-C, and says that the job goes on', async () => {
    services.set(jobOf(JobState.RUNNING));
    const command = start(['watch', 'j1']);
    await command.said('RUNNING');
    command.interrupt();
    expect(await command.end()).toMatchObject({
      code: 130,
      err: expect.stringContaining('`assay cancel j1` ends it'),
    });
  });

  it('writes each change as JSON', async () => {
    services.set(jobOf(JobState.RUNNING));
    const command = start(['--json', 'watch', 'j1']);
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
