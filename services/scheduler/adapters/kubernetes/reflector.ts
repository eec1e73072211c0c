import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { KubeMetrics } from '../../metrics.ts';
import { backoffMs } from './backoff.ts';
import {
  ClusterFault,
  type KubeClient,
  type KubeObject,
  type Resource,
  type Select,
  type WatchEvent,
} from '@assay/lib/kube';
import { openStore, storeKeyOf, type Listener } from './store.ts';
import type { Trimmed } from './trimmed.ts';

export interface Reflect<T extends Trimmed> {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly resource: Resource;
  readonly select?: Select;
  /** Makes of an object what is kept of it; the rest is garbage at once. */
  readonly trim: (object: KubeObject) => T;
  readonly metrics: KubeMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

/** The objects of one kind, kept as the API server has them. */
export interface Reflector<T extends Trimmed> {
  /** By `namespace/name`, or the name alone. */
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  keys(): IterableIterator<string>;
  readonly size: number;
  /** Hears the key of each object that came, changed or went; what it is now is asked of `get`. */
  onChange(listener: Listener): () => void;
  /** Resolves when the first list is complete. */
  readonly synced: Promise<void>;
  isSynced(): boolean;
  /** Runs until `stop` aborts. */
  readonly done: Promise<void>;
}

const PAGE = 500;
const WATCH_SECONDS = { least: 240, most: 420 };
/** Bookmarks come about every minute. */
const QUIET_MS = 150_000;
const BACKOFF = { firstMs: 500, mostMs: 30_000 };
/** A watch that lasted this long was a good one: what ended it is no reason to wait longer than the first time. */
const GOOD_MS = 30_000;

/**
 * Lists in pages, then watches from there for as long as it can, and again after a pause whatever ended it. Changes
 * are told as they are read; what a list no longer holds is told when the list is complete.
 */
export function reflect<T extends Trimmed>(options: Reflect<T>, stop: AbortSignal): Reflector<T> {
  const { client, resource, select = {}, trim, metrics, clock, random = Math.random } = options;
  const labels = { resource: resource.plural };
  const log = options.log.child(labels);
  const store = openStore<T>({ log, onError: () => metrics.handlerErrors.inc(labels) });
  const { promise: synced, resolve: isComplete } = Promise.withResolvers<void>();
  let complete = false;
  let version: string | null = null; // null: what is held may have gaps, list again
  let failures = 0;
  let watchingSince: number | null = null;

  const seen = () => {
    metrics.lastEvent.set(labels, clock.now() / 1_000);
    metrics.objects.set(labels, store.size);
  };

  async function list(signal: AbortSignal): Promise<string> {
    const gone = new Set(store.keys());
    for (let next = ''; ;) {
      const query = { ...select, limit: PAGE, ...(next === '' ? {} : { continue: next }) };
      const page = await client.list(resource, query, { signal });
      await turn(); // parsing a page takes tens of milliseconds
      for (const object of page.items) {
        const value = trim(object);
        gone.delete(storeKeyOf(value));
        store.put(value);
      }
      next = page.continue;
      if (next === '') {
        for (const key of gone) store.delete(key);
        return page.resourceVersion;
      }
    }
  }

  function take({ type, object }: WatchEvent): void {
    version = object.metadata.resourceVersion ?? version;
    if (type === 'DELETED') store.delete(storeKeyOf(trim(object)));
    else if (type !== 'BOOKMARK') store.put(trim(object));
    seen();
  }

  async function session(signal: AbortSignal): Promise<void> {
    if (version === null) {
      version = await list(signal);
      seen();
      if (!complete) log.info({ objects: store.size }, 'synced');
      complete = true;
      isComplete();
    }
    const { least, most } = WATCH_SECONDS;
    const timeoutSeconds = Math.round(least + random() * (most - least));
    const from = { ...select, resourceVersion: version, timeoutSeconds };
    watchingSince = clock.monotonic();
    for await (const event of client.watch(resource, from, { signal, quietMs: QUIET_MS })) take(event);
  }

  // One list and watch; whatever ends it, the next begins after a pause.
  async function step(signal: AbortSignal): Promise<number> {
    watchingSince = null;
    let error: unknown = null;
    try {
      await session(signal);
    } catch (thrown) {
      error = thrown;
    }
    if (signal.aborted) return 0;
    if (mustList(error)) version = null;
    const good = watchingSince !== null && clock.monotonic() - watchingSince >= GOOD_MS;
    failures = good ? 1 : failures + 1;
    const reason = endOf(error);
    metrics.restarts.inc({ ...labels, reason });
    const pauseMs = backoffMs(failures, { ...BACKOFF, random });
    log[error === null ? 'debug' : 'warn']({ err: error, reason, failures, pauseMs }, 'a watch ended');
    return pauseMs;
  }

  return {
    get: (key) => store.get(key),
    values: () => store.values(),
    keys: () => store.keys(),
    get size() {
      return store.size;
    },
    onChange: (listener) => store.onChange(listener),
    synced,
    isSynced: () => complete,
    done: loop({ name: `watch ${resource.plural}`, step, log, clock }, stop),
  };
}

// The server no longer has what came after our version, or says that something else is wrong with it; and an object
// that cannot be trimmed may be behind us already.
function mustList(error: unknown): boolean {
  if (error === null) return false;
  return !(error instanceof ClusterFault) || error.status === 410 || error.kind === 'event';
}

/** A closed set, for the metric. */
function endOf(error: unknown): string {
  if (error === null) return 'closed';
  if (!(error instanceof ClusterFault)) return 'fault';
  if (error.status === 410) return 'expired';
  switch (error.kind) {
    case 'deadline':
      return 'silent';
    case 'body':
      return 'bad_json';
    case 'network':
      return 'reset';
    case 'event':
      return 'error_event';
    default:
      return `http_${error.status}`;
  }
}
