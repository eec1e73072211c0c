import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBus, SERVICE_NAMES } from '@assay/lib/bus';
import { createLog } from '@assay/lib/log';
import { only, podsOf, render } from '../support/chart.ts';
import { execute } from '../cluster/execute.ts';
import { helms } from '../support/helm.ts';
import { natsServer } from '../support/nats.ts';
import { freePort } from '../support/kube-server.ts';

const [helm] = await helms();
const log = createLog({ service: 'test', level: 'silent' });
const open = new AbortController().signal;

describe.skipIf(helm === undefined)('the broker of the chart', () => {
  /** What an operator may choose: a number, a word of the configuration, a hash. */
  const PASSWORDS: Readonly<Record<string, string>> = {
    scheduler: 'abcDEF0123456789',
    runner: '12345678901234567890',
    reporter: 'true',
    sandbox: '5e8G',
  };
  let folder: string;
  let broker: ChildProcess;
  let url: string;
  let doctor: string; // the service image's program of `helm test`, started as the chart starts it

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'assay-chart-broker-'));
    const objects = await render(helm ?? { version: '', program: '' });
    const config = only(objects, 'ConfigMap', 'assay-nats').data?.['nats.conf'] ?? '';
    const [port, monitor] = [await freePort(), await freePort()];
    url = `nats://127.0.0.1:${port}`;
    const here = config
      .replace('0.0.0.0:4222', `127.0.0.1:${port}`)
      .replace('0.0.0.0:8222', `127.0.0.1:${monitor}`)
      .replace('"/data"', JSON.stringify(folder));
    await writeFile(path.join(folder, 'nats.conf'), here);
    for (const [user, password] of Object.entries(PASSWORDS))
      await writeFile(path.join(folder, user), password);
    const pods = podsOf(objects);
    const container = pods.find(({ of }) => of.metadata.name === 'assay-nats')?.containers[0];
    // As Kubernetes fills in variables that name others.
    const env = Object.fromEntries(
      (container?.env ?? []).map(({ name, value }) => [
        name,
        (value ?? '').replaceAll(
          /\$\(SECRET_(\w+)\)/g,
          (_, user: string) => PASSWORDS[user.toLowerCase()] ?? '',
        ),
      ]),
    );
    broker = spawn(await natsServer(), ['-c', path.join(folder, 'nats.conf')], { env, stdio: 'ignore' });
    doctor = pods.find(({ of }) => of.metadata.name === 'assay-test')?.containers[0]?.args?.at(-1) ?? '';
    for (const until = performance.now() + 20_000; ; await sleep(100)) {
      const answer = await fetch(`http://127.0.0.1:${monitor}/healthz?js-server-only=true`).catch(() => null);
      if (answer?.status === 200) break;
      if (broker.exitCode !== null || performance.now() > until) throw new Error('the broker did not start');
    }
  });
  afterAll(async () => {
    broker?.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const connect = (user: string, passwordOf = user) =>
    connectBus({
      url,
      login: { user, passwordFile: path.join(folder, passwordOf) },
      name: user,
      log,
      signal: open,
    });

  it('lets the scheduler prepare it, and every service see that', async () => {
    const scheduler = await connect('scheduler');
    await scheduler.ensure('p0', { generationsBytes: 1 << 20, scoresBytes: 1 << 20 });
    for (const user of SERVICE_NAMES) {
      const bus = await connect(user);
      await bus.ready('p0', open);
      await bus.close();
    }
    await scheduler.close();
  });

  it('knows nobody by the password of another', async () => {
    await expect(connect('sandbox', 'runner')).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  it('answers `helm test`, which says which door is closed', async () => {
    const env = {
      ASSAY_NATS_URL: url,
      ASSAY_NATS_USER: 'reporter',
      ASSAY_NATS_PASSWORD_FILE: path.join(folder, 'reporter'),
      ASSAY_BLOB_STORE: 'nats',
      ASSAY_SCHEDULER: '127.0.0.1:1',
      ASSAY_REPORTER: '127.0.0.1:1',
    };
    const said = await execute(
      [process.execPath, path.join(import.meta.dirname, '../..', doctor)],
      env,
    ).catch(String);
    expect(said).toContain('ended with 1');
    expect(said).toContain('ok   the broker: has the streams of p0');
    expect(said).toContain("FAIL the scheduler's health: ");
    expect(said).toContain('FAIL the list of jobs: ');
  });
});
