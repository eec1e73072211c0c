import { passing } from '@assay/lib/errors';
import { describe, expect, it } from 'vitest';
import { CONFIG_MAPS, faultOf, type KubeObject } from '@assay/lib/kube';
import { fencedWriter } from './writer.ts';

const conflict = () => faultOf({ verb: 'patch', resource: CONFIG_MAPS }, 409, {});
const target = { namespace: 'ns', name: 'a', uid: 'u1', resourceVersion: '5' };

/** Holds one object; `touch` names how often somebody else changes it between our stamp and our delete. */
function subject(
  options: { readonly uid?: string; readonly version?: number; readonly touch?: number } = {},
) {
  let version = options.version ?? 5;
  let touches = options.touch ?? 0;
  const { uid = 'u1' } = options;
  const sent: unknown[] = [];
  const object = (): KubeObject => ({
    metadata: { namespace: 'ns', name: 'a', uid, resourceVersion: String(version) },
  });
  const client: Parameters<typeof fencedWriter>[0] = {
    get: async () => object(),
    apply: async (_, given, write) => {
      write?.guard?.();
      sent.push(given.metadata.annotations);
      return object();
    },
    patch: async (_, __, patch, write) => {
      write?.guard?.();
      const { metadata } = patch as KubeObject;
      if (metadata.resourceVersion !== String(version)) throw conflict();
      sent.push(metadata.annotations);
      version += 1;
      const stamped = object();
      if (touches > 0) version += 1;
      touches -= 1;
      return stamped;
    },
    delete: async (_, __, only, write) => {
      write?.guard?.();
      if (only.uid !== uid || only.resourceVersion !== String(version)) throw conflict();
      sent.push('deleted');
      return 'deleted';
    },
  };
  return { client, sent };
}

const open = () => undefined;
const stamp = { 'assay.dev/epoch': '7' };

describe('fencedWriter', () => {
  it('puts the epoch on what it applies, beside what is there', async () => {
    const { client, sent } = subject();
    const metadata = { namespace: 'ns', name: 'a', annotations: { 'assay.dev/hash': 'h' } };
    await fencedWriter(client, { epoch: 7, guard: open }).apply(CONFIG_MAPS, { metadata });
    expect(sent).toEqual([{ 'assay.dev/hash': 'h', ...stamp }]);
  });

  it('stamps before it deletes, and again when somebody wrote in between', async () => {
    const { client, sent } = subject({ touch: 2 });
    const writer = fencedWriter(client, { epoch: 7, guard: open });
    expect(await writer.remove(CONFIG_MAPS, target)).toBe('deleted');
    expect(sent).toEqual([stamp, stamp, stamp, 'deleted']);
  });

  it('gives up on what never stays still', async () => {
    const { client } = subject({ touch: 100 });
    const writer = fencedWriter(client, { epoch: 7, guard: open });
    await expect(writer.remove(CONFIG_MAPS, target)).rejects.toMatchObject({ reason: 'CLUSTER_CONFLICT' });
  });

  it('leaves another object of the same name alone', async () => {
    const { client, sent } = subject({ uid: 'u2', version: 9 });
    expect(await fencedWriter(client, { epoch: 7, guard: open }).remove(CONFIG_MAPS, target)).toBe('gone');
    expect(sent).toEqual([]);
  });

  it('sends nothing once it no longer leads', async () => {
    const { client, sent } = subject();
    const guard = () => {
      throw passing('NOT_LEADER', 'lost');
    };
    const writer = fencedWriter(client, { epoch: 7, guard });
    await expect(writer.apply(CONFIG_MAPS, { metadata: target })).rejects.toThrow('lost');
    await expect(writer.remove(CONFIG_MAPS, target)).rejects.toThrow('lost');
    expect(sent).toEqual([]);
  });
});
