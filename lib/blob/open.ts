import type { Blob } from './blob.ts';
import { folderBlob } from './folder.ts';
import { natsBlob, type NatsBlobOptions } from './nats-object-store.ts';

/** The blob store that the settings name: a folder, or else the broker's object store. */
export async function openBlob(
  settings: { readonly BLOB_DIR?: string | undefined },
  broker: NatsBlobOptions,
): Promise<Blob> {
  return settings.BLOB_DIR === undefined ? await natsBlob(broker) : folderBlob(settings.BLOB_DIR);
}
