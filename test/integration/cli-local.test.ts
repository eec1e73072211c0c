import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityOf, parseIdentity } from '@assay/cli/local/process-identity';
import { SERVICES } from '@assay/cli/local/services';
import { assayProcess } from '../support/assay-process.ts';
import { natsServer } from '../support/nats.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-cli-local-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

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
    const said = (await local('logs', 'nats', '--json')).out
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as object);
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
