import type { Log } from '@assay/lib/log';
import { keyOf } from '@assay/lib/kube';
import type { Trimmed } from './trimmed.ts';

export type Listener = (key: string) => void;

/** Objects by `namespace/name`, and who wants to know which changed. */
export interface Store<T extends Trimmed> {
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  keys(): IterableIterator<string>;
  readonly size: number;
  put(value: T): void;
  delete(key: string): void;
  onChange(listener: Listener): () => void;
}

/** A listener that throws, or whose promise is rejected, is logged and counted; the others still hear. */
export function openStore<T extends Trimmed>(options: {
  readonly log: Log;
  readonly onError: () => void;
}): Store<T> {
  const values = new Map<string, T>();
  const listeners = new Set<(key: string) => unknown>();
  const failed = (error: unknown) => {
    options.onError();
    options.log.error({ err: error }, 'a listener failed');
  };
  const tell = (key: string) => {
    for (const listener of listeners) {
      try {
        const result = listener(key);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  };
  return {
    get: (key) => values.get(key),
    values: () => values.values(),
    keys: () => values.keys(),
    get size() {
      return values.size;
    },
    put(value) {
      const key = storeKeyOf(value);
      const had = values.get(key);
      if (had?.resourceVersion === value.resourceVersion && had.uid === value.uid) return;
      values.set(key, value);
      tell(key);
    },
    delete(key) {
      if (values.delete(key)) tell(key);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function storeKeyOf({ namespace, name }: Trimmed): string {
  return keyOf(namespace === '' ? { name } : { namespace, name });
}
