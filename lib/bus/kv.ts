/** A named KV bucket and the type of its values. `ttlMs`: a value disappears that long after its last write. */
export interface KvBucket<T> {
  readonly bucket: string;
  readonly ttlMs?: number;
  /** Carries the value type; never set. */
  readonly type?: T;
}

export interface KvEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly revision: number;
}

export type KvChange<T> =
  | { readonly type: 'put'; readonly entry: KvEntry<T> }
  | { readonly type: 'delete'; readonly key: string }
  /** Everything that was there when the watch began has been seen. */
  | { readonly type: 'current' };

/** JSON values under encoded keys, changed by compare-and-set. */
export interface Kv<T> {
  get(key: string): Promise<KvEntry<T> | null>;
  /** The new revision, or `exists`. */
  create(key: string, value: T): Promise<number | 'exists'>;
  /** The new revision, or `conflict` when the key has moved on since `revision`. */
  update(key: string, value: T, revision: number): Promise<number | 'conflict'>;
  put(key: string, value: T): Promise<number>;
  /** With a revision: only while the key is at it. */
  delete(key: string, revision?: number): Promise<void>;
  /** Unordered. A listing costs the keys below the prefix's last dot: end a prefix in one. */
  keys(prefix?: string): AsyncIterable<string>;
  /**
   * Current values first, then `current`, then each change, until `signal` aborts. Reconnects by itself: current values
   * then come again, with a `delete` for each key that went away meanwhile. A value whose life ends is a `delete` too.
   * What a slow reader has not fetched yet is replaced by newer values.
   */
  watch(signal: AbortSignal, key?: string): AsyncIterable<KvChange<T>>;
}
