import type { Kv } from '@assay/lib/bus';
import type { ServerRecord } from '@assay/lib/domain';
import { passing } from '@assay/lib/errors';
import type { Servers } from '../ports.ts';

/** Records of model servers over the KV `assay_servers`, as the leader of `epoch` writes them. */
export function kvServers(kv: Kv<ServerRecord>, epoch: number): Servers {
  /** The revision that may be replaced; null when there is nothing. */
  async function ours(key: string): Promise<number | null> {
    const entry = await kv.get(key);
    if (entry !== null && entry.value.epoch > epoch)
      throw passing('NOT_LEADER', `server ${key} is led by epoch ${entry.value.epoch}`);
    return entry?.revision ?? null;
  }

  return {
    async put(record) {
      for (;;) {
        const revision = await ours(record.key);
        const result =
          revision === null
            ? await kv.create(record.key, record)
            : await kv.update(record.key, record, revision);
        if (typeof result === 'number') return;
      }
    },
    async delete(key) {
      const revision = await ours(key);
      if (revision !== null) await kv.delete(key, revision);
    },
    keys: () => kv.keys(),
  };
}
