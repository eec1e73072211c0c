import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_MAPS, type KubeClient, type KubeObject } from '@assay/lib/kube';
import { raiseEpoch } from '../../services/scheduler/adapters/kubernetes/epoch.ts';
import { versionOf } from '../../services/scheduler/adapters/kubernetes/trimmed.ts';
import { fencedWriter } from '../../services/scheduler/adapters/kubernetes/writer.ts';
import { systemClock } from '@assay/lib/clock';
import { canRunKubeServer, startKubeServer, type KubeServer } from '../support/kube-server.ts';
import {
  clientFor,
  installAccount,
  installEpochPolicy,
  kubectl,
  NAMESPACE,
  startScript,
  type Script,
} from '../support/kube-world.ts';

const open = new AbortController().signal;
const never = () => undefined;

describe.skipIf(!canRunKubeServer())('a leader on a real API server', () => {
  let server: KubeServer;
  let kubeconfig: string;
  let client: KubeClient; // as the service account
  const scripts: Script[] = [];
  beforeAll(async () => {
    server = await startKubeServer();
    kubeconfig = await installAccount(server);
    ({ client } = await clientFor(kubeconfig));
  });
  afterEach(async () => {
    for (const script of scripts) script.kill('SIGKILL');
    await Promise.all(scripts.splice(0).map((script) => script.ended));
  });
  afterAll(async () => {
    client?.close();
    await server?.stop();
  });
  const start = (...args: string[]) => {
    const script = startScript('kube-leader.ts', [kubeconfig, ...args]);
    scripts.push(script);
    return script;
  };

  it('does not lead where the policy is not installed, and says so', async () => {
    const clock = { ...systemClock, monotonic: () => performance.now() * 20 };
    await expect(
      raiseEpoch({ client, namespace: NAMESPACE, epoch: 1, guard: never, clock, signal: open }),
    ).rejects.toThrow('ValidatingAdmissionPolicy assay-epoch installed');
    await installEpochPolicy(server);
    await raiseEpoch({
      client,
      namespace: NAMESPACE,
      epoch: 1,
      guard: never,
      clock: systemClock,
      signal: open,
    });
  });

  it('refuses whatever an older epoch writes, or none at all', async () => {
    const raise = (epoch: number) =>
      raiseEpoch({ client, namespace: NAMESPACE, epoch, guard: never, clock: systemClock, signal: open });
    const writer = (epoch: number) => fencedWriter(client, { epoch, guard: never });
    const named = (name: string) => ({ metadata: { namespace: NAMESPACE, name } });
    await raise(2);
    const made = await writer(2).apply(CONFIG_MAPS, { ...named('kept'), data: { a: '1' } });
    await raise(3);
    const refusal = { reason: 'NOT_LEADER', permanent: false };
    const kept = versionOf(made.metadata);
    const { name, uid } = kept;
    await expect(writer(2).apply(CONFIG_MAPS, named('new'))).rejects.toMatchObject(refusal);
    await expect(writer(2).apply(CONFIG_MAPS, named('kept'))).rejects.toMatchObject(refusal);
    await expect(writer(2).remove(CONFIG_MAPS, kept)).rejects.toMatchObject(refusal);
    await expect(client.delete(CONFIG_MAPS, { namespace: NAMESPACE, name }, { uid })).rejects.toMatchObject(
      refusal,
    );
    await expect(client.create(CONFIG_MAPS, NAMESPACE, named('bare'))).rejects.toMatchObject(refusal);
    await expect(raise(2)).rejects.toMatchObject(refusal);
    expect(await writer(3).remove(CONFIG_MAPS, { ...kept, uid: 'other', resourceVersion: '1' })).toBe('gone');
    expect(await writer(3).remove(CONFIG_MAPS, { ...kept, resourceVersion: '1' })).toBe('deleted');
    expect(await client.get(CONFIG_MAPS, { namespace: NAMESPACE, name })).toBeNull();
  });

  it('never takes the epoch back, whoever asks', async () => {
    const back = { metadata: { annotations: { 'assay.dev/epoch': '1' } } };
    await expect(
      kubectl(server, [
        'patch',
        'serviceaccount',
        'assay-epoch',
        '-n',
        NAMESPACE,
        '-p',
        JSON.stringify(back),
      ]),
    ).rejects.toThrow('never goes back');
  });

  it('hands over within 3 s of a clean exit', async () => {
    const first = start('clean-1', 'idle', 'guarded');
    await until(() => leads(first) !== undefined);
    const second = start('clean-2', 'idle', 'guarded');
    await sleep(2_000);
    expect(leads(second)).toBeUndefined();
    const from = performance.now();
    first.kill('SIGTERM');
    await until(() => leads(second) !== undefined);
    const ms = performance.now() - from;
    console.log(`taken over ${ms.toFixed(0)} ms after SIGTERM`);
    expect(ms).toBeLessThan(3_000);
    expect(leads(second)).toBe((leads(first) ?? 0) + 1);
    expect(await first.ended).toBe(0);
  });

  it.each(['guarded', 'blind'])(
    'accepts no write of a %s leader that was stopped and goes on',
    async (how) => {
      const admin = (await clientFor(server.kubeconfig)).client;
      const victims = Array.from({ length: 1_500 }, (_, n) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: `victim-${n}`, namespace: NAMESPACE },
      }));
      await Promise.all(
        [0, 1, 2, 3, 4, 5].map(async (lane) => {
          for (const [n, victim] of victims.entries())
            if (n % 6 === lane) await admin.apply(CONFIG_MAPS, victim);
        }),
      );
      const old = start(`${how}-old`, 'writes', how);
      await until(() => leads(old) !== undefined);
      await sleep(500);
      old.kill('SIGSTOP');
      const next = start(`${how}-next`, 'idle', 'guarded');
      await until(() => leads(next) !== undefined);
      const [oldEpoch = 0, nextEpoch = 0] = [leads(old), leads(next)];
      expect(nextEpoch).toBe(oldEpoch + 1);
      const before = await listed(admin);
      const saidBefore = old.said.length;
      old.kill('SIGCONT');
      await sleep(how === 'blind' ? 4_000 : 2_000);
      const after = await listed(admin);
      const said = old.said.slice(saidBefore);
      const refused = said.filter((line) => line['refused'] === 'NOT_LEADER').length;
      console.log(
        `${how}: epoch ${oldEpoch} wrote ${old.said.filter((line) => line['wrote'] === oldEpoch).length} before it stopped; after it went on ${refused} writes were refused`,
      );
      expect(before.filter((object) => object.metadata.name.startsWith('victim-')).length).toBeGreaterThan(
        100,
      );
      expect(versionsOf(after)).toEqual(versionsOf(before));
      if (how === 'blind') expect(refused).toBeGreaterThan(100);
      // What it says it wrote after it went on are answers that were on their way when it stopped.
      const newest = Math.max(...before.map((object) => Number(object.metadata.resourceVersion)));
      for (const line of said)
        if (line['wrote'] === oldEpoch) expect(line['version']).toBeLessThanOrEqual(newest);
      old.kill('SIGKILL');
      next.kill('SIGTERM');
      await next.ended;
      admin.close();
    },
    120_000,
  );

  it('has its fence again where the policy was removed and installed anew', async () => {
    await kubectl(server, ['delete', 'validatingadmissionpolicy,validatingadmissionpolicybinding', '--all']);
    await kubectl(server, ['delete', 'serviceaccount', 'assay-epoch', '-n', NAMESPACE]);
    await sleep(3_000); // until the API server has noticed, and watches no parameters any more
    await kubectl(server, ['create', 'serviceaccount', 'assay-epoch', '-n', NAMESPACE]);
    await installEpochPolicy(server);
    const at = { client, namespace: NAMESPACE, guard: never, clock: systemClock, signal: open };
    await raiseEpoch({ ...at, epoch: 1 });
    await raiseEpoch({ ...at, epoch: 2 });
  });
});

function leads(script: Script): number | undefined {
  return script.said.findLast((line) => typeof line['leads'] === 'number')?.['leads'] as number | undefined;
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error('not within 30 s');
    await sleep(20);
  }
}

async function listed(client: KubeClient): Promise<KubeObject[]> {
  const all: KubeObject[] = [];
  for (let next = ''; ;) {
    const query = { namespace: NAMESPACE, limit: 500, ...(next === '' ? {} : { continue: next }) };
    const page = await client.list(CONFIG_MAPS, query);
    all.push(...page.items);
    next = page.continue;
    if (next === '') return all;
  }
}

function versionsOf(objects: readonly KubeObject[]): Record<string, string | undefined> {
  return Object.fromEntries(objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}
