import { openReader } from './last-reader.ts';
import type { KvBucket } from './kv.ts';
import type { Link } from './link.ts';
import type { Pulled } from './pulled.ts';
import { bucketStream, bucketSubject } from './streams.ts';
import { decodeKey, encodeKey } from './subject.ts';

/** Every key that starts with `prefix`. Costs the keys below the prefix's last dot, so end a prefix in one. */
export async function* keysOf(link: Link, bucket: KvBucket<unknown>, prefix: string): AsyncIterable<string> {
  const dot = prefix.lastIndexOf('.');
  const stream = bucketStream(bucket);
  const filter = bucketSubject(bucket, dot < 0 ? '>' : `${encodeKey(prefix.slice(0, dot))}.>`);
  const reader = await openReader(link, { stream, filter, headersOnly: true });
  try {
    for await (const messages of reader.snapshot(new AbortController().signal)) {
      for (const message of messages) {
        const key = keyOf(bucket, message);
        if (!isDeleted(message) && key.startsWith(prefix)) yield key;
      }
    }
  } finally {
    await reader.close();
  }
}

export function keyOf(bucket: KvBucket<unknown>, message: Pulled): string {
  return decodeKey(message.subject.slice(`$KV.${bucket.bucket}.`.length));
}

/** Whether it marks that the key is gone: a deletion, or what the broker leaves when a value's time is over. */
export function isDeleted(message: Pulled): boolean {
  const operation = message.headers?.get('KV-Operation') ?? '';
  return operation === 'DEL' || operation === 'PURGE' || message.headers?.has('Nats-Marker-Reason') === true;
}
