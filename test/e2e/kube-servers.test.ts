import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ModelTarget } from '@assay/lib/domain';
import { requireCluster } from '../cluster/cluster.ts';
import { clusterContract, MODEL } from '../contract/cluster-contract.ts';
import { openKubeServers, scriptedPlan, type KubeServers } from '../support/kube-servers.ts';
import type { PodPlan } from '../../services/scheduler/adapters/kubernetes/pod/plan.ts';

const machine = await requireCluster();
const target = (model: string): ModelTarget => ({ type: 'catalog', model, device: 'cpu' });

if (machine !== null) {
  clusterContract(
    'of pods',
    async () => {
      const servers = await openKubeServers({ machine });
      return {
        ...servers,
        left: () => servers.pods(),
        target: async (lists) => target(lists),
        livesOn: true,
      };
    },
    { readyMs: 60_000 },
  );
}

describe.skipIf(machine === null)('model servers as pods', () => {
  const opened: KubeServers[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((servers) => servers.close()));
  });
  async function open(plan: Partial<PodPlan> = {}, operator: Readonly<Record<string, unknown>> = {}) {
    if (machine === null) throw new Error('there is no cluster');
    const servers = await openKubeServers({
      machine,
      planOf: ({ model }) => scriptedPlan(model, plan),
      operator,
    });
    opened.push(servers);
    return servers;
  }
  /** Asks again and again, as the cycle does, until the server is as it is wanted; gives what it was. */
  async function until(
    servers: KubeServers,
    wanted: (view: NonNullable<ReturnType<KubeServers['cluster']['view']>>) => boolean,
    limitMs = 30_000,
  ) {
    const end = performance.now() + limitMs;
    for (;;) {
      servers.ensure('a', target(MODEL));
      const view = servers.cluster.view('a');
      if (view !== null && wanted(view)) return view;
      if (performance.now() > end) throw new Error(`not within ${limitMs} ms; it is ${JSON.stringify(view)}`);
      await sleep(100);
    }
  }

  it('tell how they start, phase by phase', { timeout: 90_000 }, async () => {
    const servers = await open();
    const view = await until(servers, ({ phase }) => phase === 'ready', 60_000);
    expect(view.start.map(({ phase }) => phase)).toEqual(['schedule', 'pull', 'compile', 'ready']);
    for (const { startedAt, endedAt } of view.start)
      expect(Date.parse(endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(startedAt));
    expect(view.secret).toBe('key-server-a');
  });

  it('are joined by the next leader, and go when it tells them to', { timeout: 120_000 }, async () => {
    const servers = await open();
    await until(servers, ({ phase }) => phase === 'ready', 60_000);
    const before = await servers.pods();
    await servers.cluster.close();
    const next = await servers.again();
    expect(next.keys()).toEqual(['a']);
    expect(next.housed()).toMatchObject([{ key: 'a', need: { pool: 'cpu' }, node: expect.any(String) }]);
    next.ensure({ key: 'a', target: target(MODEL), node: null, waits: '' });
    await expect.poll(() => next.view('a')?.phase, { timeout: 20_000 }).toBe('ready');
    expect(await servers.pods()).toEqual(before);
    await next.stop('a');
    await expect.poll(() => servers.pods(), { timeout: 20_000 }).toEqual([]);
  });

  it('are made anew when their pod is deleted', { timeout: 120_000 }, async () => {
    const servers = await open();
    const first = await until(servers, ({ phase }) => phase === 'ready', 60_000);
    await machine?.kubectl(['delete', 'pod', 'server-a', '-n', servers.namespace, '--wait=false']);
    await until(servers, ({ phase }) => phase !== 'ready');
    const second = await until(servers, ({ phase }) => phase === 'ready', 60_000);
    expect(second.baseUrl).not.toBe(first.baseUrl);
  });

  describe('that cannot start say why within 30 s', () => {
    const device = { type: 'extended_resource', resource: 'tenstorrent.com/none', count: 1 } as const;
    it.each<[string, Partial<PodPlan>, string, string]>([
      ['no node has the device', { claim: device }, 'SERVER_UNSCHEDULABLE', 'which no node has'],
      [
        'the image is not there',
        { image: '127.0.0.1:9/nothing:1' },
        'SERVER_IMAGE_UNAVAILABLE',
        '127.0.0.1:9/nothing:1',
      ],
      ['an argument is wrong', { args: ['--no-such-flag'] }, 'SERVER_START_FAILED', '--no-such-flag'],
      [
        'memory is too little',
        {
          args: ['-e', 'const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))'],
          limits: { memory: '100Mi' },
        },
        'SERVER_OUT_OF_MEMORY',
        'limits.memory',
      ],
      [
        'the cache stops growing',
        {
          args: [
            '-e',
            `const fs = require('node:fs'); let n = 0;
             const grow = () => { if (n++ < 3) fs.writeFileSync(process.env.CACHE_ROOT + '/' + n, 'x'.repeat(1e6)); };
             setInterval(grow, 1000);`,
          ],
          budgets: { startMs: 600_000, pullMs: 60_000, stallMs: 8_000, settleMs: 0 },
        },
        'SERVER_START_STALLED',
        '3 files',
      ],
    ])('when %s', { timeout: 60_000 }, async (_, plan, reason, words) => {
      const servers = await open(plan);
      const begun = performance.now();
      const view = await until(servers, ({ fault }) => fault?.reason === reason);
      console.log(`${reason} after ${((performance.now() - begun) / 1_000).toFixed(1)} s: ${view.detail}`);
      expect(view.detail).toContain(words);
      expect(view.start.find(({ endedAt }) => endedAt === null)?.detail ?? view.detail).toContain(words);
    });
  });
});
