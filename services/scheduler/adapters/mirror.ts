import type { Kv } from '@assay/lib/bus';

/** A KV bucket held in memory by a watch, for readers that must not wait. */
export interface Mirror<T> {
  get(key: string): T | undefined;
  keys(): Iterable<string>;
  values(): Iterable<T>;
  /** Puts a value that this process just wrote, so that it reads its own writes. */
  note(key: string, value: T, revision: number): void;
  onChange(listener: (key: string) => void): () => void;
  /** Resolves when all that was there at the start has been seen; rejects when the watch ends before. */
  readonly current: Promise<void>;
  /** Runs until `signal` aborts. */
  readonly done: Promise<void>;
}

export function mirror<T>(kv: Pick<Kv<T>, 'watch'>, signal: AbortSignal): Mirror<T> {
  const values = new Map<string, { readonly value: T; readonly revision: number }>();
  const listeners = new Set<(key: string) => void>();
  const tell = (key: string) => {
    for (const listener of listeners) listener(key);
  };
  const note = (key: string, value: T, revision: number) => {
    if ((values.get(key)?.revision ?? 0) >= revision) return;
    values.set(key, { value, revision });
    tell(key);
  };
  const { promise: current, resolve, reject } = Promise.withResolvers<void>();
  const done = follow().catch((error: unknown) => {
    reject(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  done.then(
    () => reject(new Error('the watch ended before all was seen')),
    () => undefined,
  );
  current.catch(() => undefined);

  async function follow(): Promise<void> {
    for await (const change of kv.watch(signal)) {
      if (change.type === 'current') resolve();
      else if (change.type === 'put') note(change.entry.key, change.entry.value, change.entry.revision);
      else if (values.delete(change.key)) tell(change.key);
    }
  }

  return {
    get: (key) => values.get(key)?.value,
    keys: () => values.keys(),
    *values() {
      for (const { value } of values.values()) yield value;
    },
    note,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    current,
    done,
  };
}
