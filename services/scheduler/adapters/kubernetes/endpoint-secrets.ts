import { CONFIG_MAPS, isStatus, SECRETS, type KubeClient, type Metadata } from '@assay/lib/kube';
import { AssayError } from '@assay/lib/errors';
import type { Secrets, StoredSecret } from '../../ports.ts';
import { EPOCH_ANNOTATION } from './epoch.ts';
import { COMPONENT, MANAGED_BY } from './pod/names.ts';
import type { Anchor } from './pod/render.ts';

const ENDPOINT_KEY = 'endpoint-key';
const PAGE = 500;
const TRIES = 3;

export interface EndpointSecrets {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'apply' | 'patch' | 'delete'>;
  readonly namespace: string;
  readonly anchor: Anchor;
  /** The epoch in force: whoever takes a job in writes its key, and need not lead. */
  readonly epoch: () => Promise<number>;
}

/**
 * Endpoint keys as Secrets that live as long as their jobs. Nobody may list Secrets, so each hangs on a ConfigMap of
 * its name, which is listed, and with which it goes.
 */
export function endpointSecrets({ client, namespace, anchor, epoch }: EndpointSecrets): Secrets {
  const at = (name: string) => ({ namespace, name });
  const metadataOf = (name: string, owner: object, stamp: number): Metadata => ({
    ...at(name),
    labels: { ...MANAGED_BY, [COMPONENT]: ENDPOINT_KEY },
    annotations: { [EPOCH_ANNOTATION]: String(stamp) },
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', ...(owner as Anchor) }],
  });

  /** Again when a new leader has raised the epoch meanwhile. */
  async function stamped<T>(write: (stamp: number) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await write(await epoch());
      } catch (error) {
        if (!(error instanceof AssayError) || error.reason !== 'NOT_LEADER' || tries === TRIES) throw error;
      }
    }
  }

  return {
    async put(name, secret) {
      await stamped(async (stamp) => {
        const tag = await client.apply(CONFIG_MAPS, { metadata: metadataOf(name, anchor, stamp) });
        const owner = { name, uid: tag.metadata.uid ?? '' };
        const stringData = { key: secret };
        await client.apply(SECRETS, { metadata: metadataOf(name, owner, stamp), type: 'Opaque', stringData });
      });
    },
    async delete(name) {
      for (const resource of [SECRETS, CONFIG_MAPS]) {
        await stamped(async (stamp) => {
          const found = await client.get(resource, at(name));
          if (found?.metadata.labels?.[COMPONENT] !== ENDPOINT_KEY) return;
          const annotations = { [EPOCH_ANNOTATION]: String(stamp) };
          try {
            const { metadata } = await client.patch(resource, at(name), { metadata: { annotations } });
            await client.delete(resource, at(name), { uid: metadata.uid ?? '' });
          } catch (error) {
            if (!isStatus(error, 404)) throw error;
          }
        });
      }
    },
    async list() {
      const labelSelector = `${COMPONENT}=${ENDPOINT_KEY}`;
      const stored: StoredSecret[] = [];
      for (let next = ''; ;) {
        const query = { namespace, labelSelector, limit: PAGE, ...(next === '' ? {} : { continue: next }) };
        const page = await client.list(CONFIG_MAPS, query);
        for (const { metadata } of page.items)
          stored.push({ name: metadata.name, writtenMs: Date.parse(metadata.creationTimestamp ?? '') });
        next = page.continue;
        if (next === '') return stored;
      }
    },
  };
}
