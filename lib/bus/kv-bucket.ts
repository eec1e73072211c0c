import { randomBytes } from 'node:crypto';
import { AssayError, passing } from '../errors.ts';
import { lastMessage, type StoredMessage } from './api.ts';
import { encodeEntry, parseJson } from './entry.ts';
import type { Kv, KvBucket, KvEntry } from './kv.ts';
import { keysOf } from './kv-keys.ts';
import { watchBucket } from './kv-watch.ts';
import type { Link } from './link.ts';
import { publish } from './publish.ts';
import { bucketStream } from './streams.ts';
import { encodeKey } from './subject.ts';

/** The KV bucket that one stream with a history of one is; laid out as other NATS clients lay it out. */
export function bucketOf<T>(link: Link, bucket: KvBucket<T>): Kv<T> {
  const stream = bucketStream(bucket);
  const subjectOf = (key: string) => `$KV.${bucket.bucket}.${checkedKey(key)}`;
  const read = (key: string) => lastMessage(link, stream, subjectOf(key), PACE);
  return {
    get: async (key) => entryOf<T>(key, await read(key)),
    create: async (key, value) => create(link, stream, subjectOf(key), encodeEntry(value)),
    update: async (key, value, revision) => {
      const written = await write(link, stream, subjectOf(key), encodeEntry(value), revision);
      return written ?? 'conflict';
    },
    put: async (key, value) => {
      const subject = subjectOf(key);
      const revision = await publish(link, subject, encodeEntry(value), { pace: PACE });
      if (revision === null) throw passing('BROKER_UNAVAILABLE', `store ${subject}: refused`);
      return revision;
    },
    delete: async (key, expected) => {
      const only = expected === undefined ? {} : { expected };
      await publish(link, subjectOf(key), new Uint8Array(), { headers: DELETED, pace: PACE, ...only });
    },
    keys: (prefix = '') => keysOf(link, bucket, prefix),
    watch: (signal, key) => watchBucket<T>(link, bucket, key, signal),
  };
}

// Short: who holds the lead must know within its life whether the broker still agrees.
const PACE = { timeoutMs: 2_000, budgetMs: 5_000 };

// The marker of a deleted key goes by itself; a watch that slept longer finds out by looking at everything again.
const DELETED = { 'KV-Operation': 'DEL', 'Nats-TTL': '1h' };

async function create(
  link: Link,
  stream: string,
  subject: string,
  data: Uint8Array,
): Promise<number | 'exists'> {
  for (let expected = 0; ;) {
    const revision = await write(link, stream, subject, data, expected);
    if (revision !== null) return revision;
    const last = await lastMessage(link, stream, subject, PACE);
    if (last !== null && !isDeletion(last.headers)) return 'exists';
    expected = last?.sequence ?? 0;
  }
}

/** The new revision; null when the key has moved on. Knows its own write again whose acknowledgement was lost. */
async function write(
  link: Link,
  stream: string,
  subject: string,
  data: Uint8Array,
  expected: number,
): Promise<number | null> {
  const id = randomBytes(9).toString('base64url');
  const revision = await publish(link, subject, data, { expected, headers: { [WRITE_ID]: id }, pace: PACE });
  if (revision !== null) return revision;
  const last = await lastMessage(link, stream, subject, PACE);
  return last?.headers.includes(`${WRITE_ID}: ${id}\r\n`) === true ? last.sequence : null;
}

const WRITE_ID = 'Assay-Write';

function entryOf<T>(key: string, message: StoredMessage | null): KvEntry<T> | null {
  if (message === null || isDeletion(message.headers)) return null;
  const value = parseJson(message.data);
  if (value === undefined) throw new AssayError('INTERNAL', `the value of ${key} cannot be read`);
  return { key, value: value as T, revision: message.sequence };
}

function isDeletion(headers: string): boolean {
  return /^KV-Operation: *(?:DEL|PURGE)\r$/m.test(headers);
}

function checkedKey(key: string): string {
  const encoded = encodeKey(key);
  if (encoded.length <= KEY_LIMIT) return encoded;
  throw new AssayError('INVALID_REQUEST', `a key of ${String(encoded.length)} characters is too long`);
}

const KEY_LIMIT = 1_024;
