import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobState } from '@assay/proto/assay/v1/job';
import { assay, jobOf } from '../support/cli.ts';
import { FakeServices } from '../support/fake-services.ts';
import { startPodPorts, type PodPorts } from '../support/pod-ports.ts';

let services: FakeServices;
let folder: string;
let ports: PodPorts;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-cli-'));
  services = new FakeServices();
  await services.start();
  ports = await startPodPorts(() => Number(services.address.split(':')[1]), services.token);
  ports.pods.set('one', true);
  vi.stubEnv('KUBECONFIG', ports.kubeconfig);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await services.stop();
  await ports.stop();
  await rm(folder, { recursive: true, force: true });
});

const NOWHERE = { ASSAY_SCHEDULER: '', ASSAY_REPORTER: '', ASSAY_TOKEN: '' };
const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  assay(args, { services, folder, env: { ...NOWHERE, ...env } });
const done = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => start(args, env).end();

describe('assay, in a cluster', () => {
  it('reaches a ready pod, as the service account that it is told', async () => {
    ports.pods.set('two', false);
    services.set(jobOf(JobState.SUCCEEDED, 10));
    const shown = await done(['jobs', '--json', '--kube-context', 'x', '--kube-service-account', 'me']);
    expect(shown, shown.err).toMatchObject({ code: 0 });
    expect(JSON.parse(shown.out)).toMatchObject([{ id: 'j1' }]);
    expect(ports.reached).toEqual(['one']);
  });

  it('is told so by the environment or the file, too, and sends a token that it has', async () => {
    const env = { ASSAY_KUBE_NAMESPACE: 'assay', ASSAY_TOKEN: services.token };
    expect(await done(['jobs'], env)).toMatchObject({ code: 0, out: 'no jobs\n' });
    await writeFile(
      path.join(folder, 'cli.json'),
      JSON.stringify({ kubeContext: 'x', kubeServiceAccount: 'me' }),
    );
    expect(await done(['jobs'])).toMatchObject({ code: 0 });
  });

  it('uploads much and watches on when the pod is replaced', { timeout: 60_000 }, async () => {
    const tasks = path.join(folder, 'tasks');
    await mkdir(tasks);
    await writeFile(path.join(tasks, 'big.jsonl'), 'x'.repeat(5_000_000));
    services.set(jobOf(JobState.RUNNING, 1));
    const where = ['--kube-context', 'x', '--token', services.token];
    const watching = start([
      'submit',
      '--model',
      'tiny',
      '--tasks',
      'a',
      '--tasks-dir',
      tasks,
      '--watch',
      '--json',
      ...where,
    ]);
    await watching.said('"scored":"1"');
    expect(services.uploaded.get('big.jsonl')?.length).toBe(5_000_000);
    ports.pods.delete('one');
    ports.pods.set('next', true);
    ports.cut('one');
    services.set(jobOf(JobState.SUCCEEDED, 10));
    expect(await watching.end()).toMatchObject({ code: 0, out: expect.stringContaining('SUCCEEDED') });
    expect(new Set(ports.reached)).toEqual(new Set(['one', 'next']));
  });

  it('says why a pod is not reached', { timeout: 60_000 }, async () => {
    const where = ['jobs', '--kube-context', 'x', '--token', services.token];
    ports.refusal = { status: 403 };
    expect(await done(where)).toMatchObject({
      code: 3,
      err: expect.stringMatching(
        /you may not create pods\/portforward "one".*kubectl auth can-i create pods/,
      ),
    });
    ports.refusal = { trouble: 'connection refused' };
    expect(await done(where)).toMatchObject({
      code: 3,
      err: expect.stringContaining('pod one in namespace "assay": connection refused (UNAVAILABLE)'),
    });
    ports.pods.set('one', false);
    expect(await done(where)).toMatchObject({
      code: 3,
      err: expect.stringContaining('is ready; --kube-namespace names the one where Assay is installed'),
    });
    expect(await done(['jobs', '--kube-context', 'y'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('the kubeconfig has no context "y"; it has x'),
    });
    const config = await readFile(ports.kubeconfig, 'utf8');
    await writeFile(ports.kubeconfig, config.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:2'));
    const gone = await done(where);
    expect(gone).toMatchObject({
      code: 3,
      err: expect.stringMatching(/ECONNREFUSED.*CLUSTER_UNAVAILABLE\)\n.*kubectl cluster-info/),
    });
  });
});
