import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelTarget } from '@assay/lib/domain';
import type { Cluster } from '../../services/scheduler/ports.ts';

/** What every target asks for. */
export const MODEL = 'wanted';

/** A cluster and the world around it. */
export interface OpenedCluster {
  readonly cluster: Cluster;
  /** Asks for a server as the scheduling cycle does. */
  ensure(key: string, target: ModelTarget): void;
  /** A target that asks for `MODEL`, whose server lists the id that is given. */
  target(lists: string): Promise<ModelTarget>;
  /** What the cluster has started and what still runs. */
  left(): Promise<readonly (number | string)[]>;
  /** Its servers do not end with it. */
  readonly livesOn: boolean;
  close(): Promise<void>;
}

/** What every cluster does, whatever its servers are. */
export function clusterContract(
  name: string,
  open: () => Promise<OpenedCluster>,
  limits: { readonly readyMs: number } = { readyMs: 20_000 },
): void {
  const LONG = { timeout: limits.readyMs * 4 };
  describe(`a cluster ${name}`, () => {
    let world: OpenedCluster;
    let cluster: Cluster;
    beforeEach(async () => {
      world = await open();
      cluster = world.cluster;
    });
    afterEach(() => world.close());

    const phase = (key: string) => cluster.view(key)?.phase;
    const ready = (key: string) => expect.poll(() => phase(key), { timeout: limits.readyMs }).toBe('ready');

    it('knows no server that nobody asked for', () => {
      expect(cluster.keys()).toEqual([]);
      expect(cluster.view('a')).toBeNull();
    });

    it('tells of a server from the moment it is asked for, until it is ready', LONG, async () => {
      world.ensure('a', await world.target(MODEL));
      expect(cluster.keys()).toEqual(['a']);
      expect(phase('a')).toBe('starting');
      await ready('a');
      expect(cluster.view('a')).toMatchObject({
        fault: null,
        model: MODEL,
        ceiling: 4,
        contextLength: 8_192,
        restarts: 0,
      });
      const listed = await fetch(`${cluster.view('a')?.baseUrl}/models`);
      expect(await listed.text()).toContain(MODEL);
    });

    it('joins what runs under a key already', LONG, async () => {
      const target = await world.target(MODEL);
      world.ensure('a', target);
      await ready('a');
      const before = [cluster.view('a'), await world.left()];
      world.ensure('a', target);
      world.ensure('a', target);
      await sleep(1_000);
      expect([cluster.view('a'), await world.left()]).toEqual(before);
      expect(cluster.keys()).toEqual(['a']);
    });

    it('fails a server that lists another model, and says so', LONG, async () => {
      world.ensure('a', await world.target('another'));
      await expect.poll(() => phase('a'), { timeout: limits.readyMs }).toBe('failed');
      const { fault, detail } = cluster.view('a') ?? {};
      expect(fault).toMatchObject({ reason: 'ENDPOINT_WRONG_MODEL', permanent: true });
      expect(detail).toContain('another');
    });

    it('keeps servers apart, and stops one of them', LONG, async () => {
      for (const key of ['a', 'b']) world.ensure(key, await world.target(MODEL));
      await Promise.all([ready('a'), ready('b')]);
      const before = (await world.left()).length;
      await cluster.stop('a');
      expect(cluster.keys()).toEqual(['b']);
      expect(cluster.view('a')).toBeNull();
      await expect
        .poll(async () => (await world.left()).length, { timeout: limits.readyMs })
        .toBe(before / 2);
      expect(phase('b')).toBe('ready');
      await cluster.stop('a');
    });

    it('starts what was stopped anew', LONG, async () => {
      const target = await world.target(MODEL);
      world.ensure('a', target);
      await ready('a');
      await cluster.stop('a');
      world.ensure('a', target);
      expect(phase('a')).toBe('starting');
      await ready('a');
    });

    it(
      'leaves nothing behind when it is closed, whatever its servers are at; unless they live on',
      LONG,
      async () => {
        world.ensure('a', await world.target(MODEL));
        await ready('a');
        world.ensure('b', await world.target(MODEL));
        world.ensure('c', await world.target('another'));
        const before = await world.left();
        await cluster.close();
        if (world.livesOn) {
          expect(await world.left()).toEqual(expect.arrayContaining(before.slice(0, 1)));
          return;
        }
        expect(cluster.keys()).toEqual([]);
        expect(await world.left()).toEqual([]);
      },
    );
  });
}
