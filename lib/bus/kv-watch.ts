import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '../errors.ts';
import { lastMessage } from './api.ts';
import { parseJson } from './entry.ts';
import { isDeleted, keyOf } from './kv-keys.ts';
import { openReader, type LastReader } from './last-reader.ts';
import type { KvBucket, KvChange } from './kv.ts';
import type { Link } from './link.ts';
import type { Pulled } from './pulled.ts';
import { bucketStream, bucketSubject } from './streams.ts';
import { encodeKey } from './subject.ts';

/**
 * See `Kv.watch`. After a break all current values come again, and a `delete` for each key that went away meanwhile.
 * In a bucket with a life the end of a value is a `delete` too. `current` comes once.
 */
export async function* watchBucket<T>(
  link: Link,
  bucket: KvBucket<T>,
  key: string | undefined,
  signal: AbortSignal,
): AsyncIterable<KvChange<T>> {
  const watch = new Watch<T>(link, bucket);
  for (let failures = 0; !signal.aborted;) {
    let reader: LastReader | undefined;
    try {
      const filter = bucketSubject(bucket, key === undefined ? '>' : encodeKey(key));
      reader = await openReader(link, { stream: bucketStream(bucket), filter, headersOnly: false });
      yield* watch.snapshot(reader, signal);
      failures = 0;
      yield* watch.changes(reader, signal);
    } catch (error) {
      const failure = AssayError.from(error);
      if (failure.permanent || link.closed) throw failure;
      failures += 1;
      link.log.warn({ err: failure, bucket: bucket.bucket, failures }, 'a watch begins again');
    } finally {
      await reader?.close();
    }
    const pauseMs = Math.random() * Math.min(2_000, 50 * 2 ** failures);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

class Watch<T> {
  readonly #link: Link;
  readonly #bucket: KvBucket<T>;
  /** When each known key is over, by `performance.now`. */
  readonly #known = new Map<string, number>();
  #current = false;

  constructor(link: Link, bucket: KvBucket<T>) {
    this.#link = link;
    this.#bucket = bucket;
  }

  async *snapshot(reader: LastReader, signal: AbortSignal): AsyncIterable<KvChange<T>> {
    const seen = new Set<string>();
    for await (const messages of reader.snapshot(signal)) {
      for (const message of messages) {
        seen.add(keyOf(this.#bucket, message));
        yield* this.#change(message, reader.skewMs);
      }
    }
    if (signal.aborted) return;
    for (const key of this.#known.keys()) {
      if (!seen.has(key)) yield this.#deleted(key);
    }
    if (!this.#current) yield { type: 'current' };
    this.#current = true;
  }

  async *changes(reader: LastReader, signal: AbortSignal): AsyncIterable<KvChange<T>> {
    while (!signal.aborted && !reader.gone) {
      const messages = await reader.next(this.#untilNextEndMs(), signal);
      for (const message of messages) yield* this.#change(message, reader.skewMs);
      yield* this.#ends();
    }
  }

  *#change(message: Pulled, skewMs: number): Iterable<KvChange<T>> {
    const key = keyOf(this.#bucket, message);
    if (isDeleted(message)) {
      if (this.#known.has(key) || !this.#current) yield this.#deleted(key);
      return;
    }
    const value = parseJson(message.data);
    if (value === undefined) {
      this.#link.log.error({ bucket: this.#bucket.bucket, key }, 'a value cannot be read and is passed over');
      return;
    }
    const ageMs = Date.now() - (message.storedMs + skewMs);
    this.#known.set(key, performance.now() + (this.#bucket.ttlMs ?? Infinity) - ageMs + SLACK_MS);
    yield { type: 'put', entry: { key, value: value as T, revision: message.sequence } };
  }

  // JetStream lets a value expire without a word: whoever is due is asked for.
  async *#ends(): AsyncIterable<KvChange<T>> {
    if (this.#bucket.ttlMs === undefined) return;
    for (const [key, endMs] of this.#known) {
      if (endMs > performance.now()) continue;
      const subject = `$KV.${this.#bucket.bucket}.${encodeKey(key)}`;
      const last = await lastMessage(this.#link, bucketStream(this.#bucket), subject);
      if (last === null) yield this.#deleted(key);
      else this.#known.set(key, performance.now() + RECHECK_MS);
    }
  }

  #deleted(key: string): KvChange<T> {
    this.#known.delete(key);
    return { type: 'delete', key };
  }

  #untilNextEndMs(): number {
    if (this.#bucket.ttlMs === undefined) return LONGEST_MS;
    let next = LONGEST_MS;
    for (const endMs of this.#known.values()) next = Math.min(next, endMs - performance.now());
    return Math.max(1, next);
  }
}

const SLACK_MS = 50;
const RECHECK_MS = 500;
const LONGEST_MS = 30_000;
