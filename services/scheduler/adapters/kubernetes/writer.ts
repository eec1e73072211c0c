import {
  type Call,
  isStatus,
  type KubeClient,
  type KubeObject,
  type Place,
  type Resource,
  type Write,
} from '@assay/lib/kube';
import type { Leadership } from './election.ts';
import { EPOCH_ANNOTATION } from './epoch.ts';
import type { Trimmed } from './trimmed.ts';

/** What a leader changes in the cluster: all of it carries its epoch, and nothing is sent once it no longer leads. */
export interface Writer {
  /** Server-side apply. With `metadata.uid`, to that object only; a name that is free is an error then. */
  apply(resource: Resource, object: KubeObject, write?: Omit<Write, 'guard'>): Promise<KubeObject>;
  /** Deletes that very object; `gone` when it is not there, or another has its name. */
  remove(resource: Resource, object: Trimmed, call?: Omit<Call, 'guard'>): Promise<'deleted' | 'gone'>;
}

const TRIES = 5;

export function fencedWriter(
  client: Pick<KubeClient, 'get' | 'apply' | 'patch' | 'delete'>,
  { epoch, guard }: Pick<Leadership, 'epoch' | 'guard'>,
): Writer {
  const stamp = { [EPOCH_ANNOTATION]: String(epoch) };

  // A delete carries no annotation. So the object is stamped first, which admission refuses an old leader, and deleted
  // at the version of that stamp: whoever stamps it after us makes our delete a conflict.
  async function removeAt(
    version: string,
    resource: Resource,
    at: Place,
    uid: string,
    call: Call,
  ): Promise<'deleted' | 'gone'> {
    const patch = { metadata: { resourceVersion: version, annotations: stamp } };
    const { metadata } = await client.patch(resource, at, patch, call);
    if (metadata.deletionTimestamp !== undefined) return 'deleted';
    const only = { uid, resourceVersion: metadata.resourceVersion ?? version };
    return client.delete(resource, at, only, call);
  }

  return {
    apply(resource, object, write = {}) {
      const annotations = { ...object.metadata.annotations, ...stamp };
      const stamped = { ...object, metadata: { ...object.metadata, annotations } };
      return client.apply(resource, stamped, { ...write, guard });
    },
    async remove(resource, { namespace, name, uid, resourceVersion }, options = {}) {
      const at = namespace === '' ? { name } : { namespace, name };
      const call = { ...options, guard };
      let version = resourceVersion;
      for (let tries = 1; ; tries += 1) {
        try {
          return await removeAt(version, resource, at, uid, call);
        } catch (error) {
          if (isStatus(error, 404)) return 'gone';
          if (!isStatus(error, 409) || tries === TRIES) throw error;
        }
        // It changed: a kubelet wrote its status, or it is not the same any more.
        const found = await client.get(resource, at, options);
        if (found?.metadata.uid !== uid) return 'gone';
        version = found.metadata.resourceVersion ?? '';
      }
    },
  };
}
