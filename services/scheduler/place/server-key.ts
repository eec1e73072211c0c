import { createHash } from 'node:crypto';
import type { ModelTarget } from '@assay/lib/domain';

/**
 * The key of a model server: the hash of what it serves and how. Jobs with the same key share one server.
 * `serving` is what the catalog says of how the model is started; an endpoint with a key is its job's alone.
 */
export function serverKeyOf(target: ModelTarget, serving: unknown): string {
  const what =
    target.type === 'catalog'
      ? ['catalog', target.model, target.device, serving]
      : ['endpoint', target.baseUrl, target.model, target.secret ?? ''];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}
