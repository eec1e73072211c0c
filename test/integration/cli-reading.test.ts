import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
const done = (args: readonly string[], options: Options = {}) =>
  assay(args, { services, folder, ...options }).end();

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
    services.results.set('j1', { ...resultOf(true), resultsJson: '{\n  "results": {"t": "\u009b2J"}\n}' });
    expect(await done(['report', 'j1', '--format', 'json'], { tty: true })).toMatchObject({
      out: '{\n  "results": {"t": "\\u009b2J"}\n}\n',
    });
    expect(await done(['report', 'j1', '--format', 'pdf'])).toMatchObject({ code: 2 });
  });

  it.each([
    ['that has numbers', true],
    ['that has none', false],
  ])('says why a job %s ended without a report', async (_, hasNumbers) => {
    services.set(jobOf(JobState.CANCELLED));
    if (hasNumbers) services.results.set('j1', resultOf(false));
    expect(await done(['report', 'j1'])).toMatchObject({
      code: 1,
      out: '',
      err: 'assay: job j1 ended without a report: CANCELLED (WHY): in words (NOT_FOUND)\n',
    });
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

  it('writes the samples of each task to a file of its own, whatever its name', async () => {
    const result = resultOf(true);
    const names = ['a:b', 'a_b', '../a/b', 'x'.repeat(300)];
    services.results.set('j1', {
      ...result,
      tasks: names.flatMap((task) => result.tasks.map((one) => ({ ...one, task }))),
    });
    services.rows = names.map((task) => ({ task, json: JSON.stringify({ task }) }));
    const output = path.join(folder, 'report');
    const { out } = await done(['report', 'j1', '--output', output, '--json']);
    const { files } = JSON.parse(out) as { files: string[] };
    expect(files.every((file) => path.dirname(file) === output)).toBe(true);
    expect(await readFile(path.join(output, 'samples_a_b.jsonl'), 'utf8')).toBe('{"task":"a_b"}\n');
    const texts = await Promise.all(files.slice(2).map((file) => readFile(file, 'utf8')));
    expect(texts.map((text) => (JSON.parse(text) as { task: string }).task)).toEqual(names);
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

  it.each(['SIGINT', 'SIGHUP'] as const)('ends with 130 on %s, and leaves the job alone', async (signal) => {
    services.set(jobOf(JobState.RUNNING));
    const { child, ended } = spawned('watch', 'j1');
    await once(child.stdout, 'data');
    child.kill(signal);
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
      err: expect.stringMatching(/^assay: the token is wrong; .*--token-file.* \(UNAUTHENTICATED\)\n$/),
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

  it.each([
    [['jobs', '--limit', '-3']],
    [['jobs', '--limit', '99999999999']],
    [['samples', 'nope', '--limit', '-2']],
    [['submit', '--model', 'm', '--tasks', 'a', '--limit', '99999999999']],
    [['jobs', '--token', 'a\nb']],
  ])('refuses a number out of range and a token that cannot be sent: %j', async (args) => {
    expect(await done(args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('INVALID_REQUEST'),
    });
  });

  it('says in JSON what is wrong with a command line', async () => {
    for (const args of [['jobs', '--bogus'], ['nope'], ['job'], ['local'], []]) {
      const { code, out, err } = await done([...args, '--json']);
      expect({ code, err }).toEqual({ code: 2, err: '' });
      expect(JSON.parse(out)).toMatchObject({
        error: { reason: 'INVALID_REQUEST', message: expect.not.stringMatching(/^error|outputHelp/) },
      });
    }
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
