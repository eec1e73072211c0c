import {
  BATCH_JOBS,
  CLAIM_TEMPLATES,
  CONFIG_MAPS,
  isStatus,
  PODS,
  SECRETS,
  type KubeClient,
  type KubeObject,
  type Resource,
} from '@assay/lib/kube';
import { keyName, serverName } from './pod/names.ts';
import { claimTemplateOf, configMapOf, keySecretOf, podOf, type Rendering } from './pod/render.ts';
import { weightsIdOf, weightsJobOf } from './pod/render-weights.ts';
import { newKey, secretKeys } from './server-keys.ts';
import type { Trimmed } from './trimmed.ts';
import { versionOf } from './trimmed.ts';
import type { Writer } from './writer.ts';

/** Makes and removes the objects of model servers; all of it can be done again. */
export interface ServerObjects {
  /** The pod and what it needs; resolves with the key that requests to it must bear. */
  make(rendering: Rendering, node: string, signal: AbortSignal): Promise<string>;
  key(server: string, signal: AbortSignal): Promise<string | null>;
  /** Where the plan's weights come from a hub. */
  fetchWeights(rendering: Rendering, node: string, signal: AbortSignal): Promise<void>;
  remove(resource: Resource, object: Trimmed, signal: AbortSignal): Promise<void>;
  /** Everything but the pod. */
  clear(server: string, namespace: string, signal: AbortSignal): Promise<void>;
}

export function serverObjects(
  client: Pick<KubeClient, 'get'>,
  writer: Writer,
  namespace: string,
): ServerObjects {
  const keys = secretKeys(client, namespace);

  async function apply(resource: Resource, object: KubeObject | null, signal: AbortSignal): Promise<void> {
    if (object !== null) await writer.apply(resource, object, { signal });
  }

  return {
    key: (server, signal) => keys.read(keyName(server), signal),
    async make(rendering, node, signal) {
      const known = await keys.read(keyName(rendering.key), signal);
      const key = known ?? newKey();
      if (known === null) await apply(SECRETS, keySecretOf(rendering, key), signal);
      await apply(CONFIG_MAPS, configMapOf(rendering), signal);
      await apply(CLAIM_TEMPLATES, claimTemplateOf(rendering), signal);
      await apply(PODS, podOf(rendering, node), signal);
      return key;
    },
    async fetchWeights(rendering, node, signal) {
      const { weights } = rendering.plan;
      if (weights?.type !== 'hub') return;
      const own = rendering.operator.storage?.type === 'node' ? node : null;
      await apply(BATCH_JOBS, weightsJobOf(rendering, weights, weightsIdOf(weights, own), own), signal);
    },
    async remove(resource, object, signal) {
      await writer.remove(resource, object, { signal });
    },
    async clear(server, within, signal) {
      const named: readonly (readonly [Resource, string])[] = [
        [CLAIM_TEMPLATES, serverName(server)],
        [CONFIG_MAPS, serverName(server)],
        [SECRETS, keyName(server)],
      ];
      for (const [resource, name] of named) {
        const at = { namespace: within, name };
        const found = await client.get(resource, at, { signal }).catch((error: unknown) => {
          // A cluster that does not serve the kind has none of it.
          if (isStatus(error, 404)) return null;
          throw error;
        });
        if (found !== null) await writer.remove(resource, versionOf(found.metadata), { signal });
      }
    },
  };
}
