import type { Call } from './caller.ts';
import type { KubeClient, Write } from './client.ts';
import type { Leadership } from './election.ts';
import { EPOCH_ANNOTATION } from './epoch.ts';
import { isStatus } from './fault.ts';
import type { KubeObject, Resource } from './resource.ts';
import type { Trimmed } from './trimmed.ts';

/** What a leader changes in the cluster: all of it carries its epoch, and nothing is sent once it no longer leads. */
export interface Writer {
  /** Server-side apply. With `metadata.uid`, to that object only; a name that is free is an error then. */
  apply(resource: Resource, object: KubeObject, write?: Omit<Write, 'guard'>): Promise<KubeObject>;
  /** Deletes that very object; `gone` when it is not there, or another has its name. */
  remove(
    resource: Resource,
    object: Pick<Trimmed, 'namespace' | 'name' | 'uid'>,
    call?: Omit<Call, 'guard'>,
  ): Promise<'deleted' | 'gone'>;
}

const TRIES = 5;

export function fencedWriter(
  client: Pick<KubeClient, 'apply' | 'patch' | 'delete'>,
  { epoch, guard }: Pick<Leadership, 'epoch' | 'guard'>,
): Writer {
  const stamp = { [EPOCH_ANNOTATION]: String(epoch) };

  // A delete carries no annotation. So the object is stamped first, which admission refuses an old leader, and deleted
  // at the version of that stamp: whoever stamps it after us makes our delete a conflict.
  async function removeOnce(
    resource: Resource,
    { namespace, name, uid }: Pick<Trimmed, 'namespace' | 'name' | 'uid'>,
    call: Call,
  ): Promise<'deleted' | 'gone'> {
    const at = namespace === '' ? { name } : { namespace, name };
    let stamped: KubeObject;
    try {
      stamped = await client.patch(resource, at, { metadata: { uid, annotations: stamp } }, call);
    } catch (error) {
      if (isStatus(error, 404) || isStatus(error, 409)) return 'gone';
      throw error;
    }
    const { resourceVersion, deletionTimestamp } = stamped.metadata;
    if (deletionTimestamp !== undefined) return 'deleted';
    return client.delete(
      resource,
      at,
      { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      call,
    );
  }

  return {
    apply(resource, object, write = {}) {
      const annotations = { ...object.metadata.annotations, ...stamp };
      const stamped = { ...object, metadata: { ...object.metadata, annotations } };
      return client.apply(resource, stamped, { ...write, guard });
    },
    async remove(resource, object, call = {}) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await removeOnce(resource, object, { ...call, guard });
        } catch (error) {
          // A kubelet wrote its status in between.
          if (!isStatus(error, 409) || tries === TRIES) throw error;
        }
      }
    },
  };
}
