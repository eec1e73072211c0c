import { natsBlob, type Blob } from '@assay/lib/blob';
import { createLog } from '@assay/lib/log';
import type { NatsServer } from './nats.ts';

/** A blob store of this broker; with `owns` the one that makes it. */
export function openNatsBlob(
  { url, token }: NatsServer,
  owns?: { readonly maxBytes: number },
): Promise<Blob> {
  return natsBlob({
    url,
    name: 'test',
    log: createLog({ service: 'test', level: 'silent' }),
    ...(token !== undefined && { token }),
    ...(owns !== undefined && { owns }),
  });
}
