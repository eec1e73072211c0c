import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError, passing } from '../errors.ts';
import { streamExists } from './api.ts';
import type { Link } from './link.ts';
import { BUCKETS, bucketStream, partitionStreams } from './streams.ts';

/** Resolves when every stream of the partition and every KV bucket is there. Rejects when `signal` aborts first. */
export async function streamsReady(link: Link, partition: string, signal: AbortSignal): Promise<void> {
  const missing = new Set([...Object.values(partitionStreams(partition)), ...BUCKETS.map(bucketStream)]);
  for (let rounds = 0; ; rounds += 1) {
    for (const stream of missing) {
      signal.throwIfAborted();
      if (!(await exists(link, stream))) break;
      missing.delete(stream);
    }
    if (missing.size === 0) return;
    if (link.closed) throw passing('BROKER_UNAVAILABLE', 'the bus is closed');
    if (rounds % 50 === 10) link.log.info({ missing: [...missing] }, 'waiting for the streams');
    await sleep(100 + Math.random() * 200, undefined, { signal });
  }
}

async function exists(link: Link, stream: string): Promise<boolean> {
  try {
    return await streamExists(link, stream);
  } catch (error) {
    if (AssayError.from(error).permanent) throw error;
    return false;
  }
}
