import type { Kv } from '@assay/lib/bus';
import { isTerminal, type JobRecord, type ServerRecord } from '@assay/lib/domain';
import type { Jobs, Servers } from '../ports.ts';

/** A view of a KV bucket: resolves `current` once all that was there has been seen, `done` at the end. */
export interface Followed<T> {
  readonly view: T;
  readonly current: Promise<void>;
  readonly done: Promise<void>;
}

/** The model servers, by a watch. */
export function followServers(kv: Kv<ServerRecord>, signal: AbortSignal): Followed<Servers> {
  const servers = new Map<string, ServerRecord>();
  const listeners = new Set<(key: string) => void>();
  const follow = followKv(kv, signal, (key, server) => {
    if (server === null) servers.delete(key);
    else servers.set(key, server);
    for (const listener of listeners) listener(key);
  });
  const view: Servers = {
    get: (key) => servers.get(key),
    ready: () => [...servers.values()].filter(({ state }) => state === 'ready').map(({ key }) => key),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return { view, ...follow };
}

/** Which jobs are over, by a watch. Of a job only its name is kept, and only when it is over. */
export function followJobs(kv: Kv<JobRecord>, signal: AbortSignal): Followed<Jobs> {
  const ended = new Set<string>();
  const follow = followKv(kv, signal, (key, job) => {
    if (job !== null && (isTerminal(job.state) || job.cancelRequested || job.purged)) ended.add(key);
    else ended.delete(key);
  });
  return { view: { ended: (job) => ended.has(job) }, ...follow };
}

function followKv<T>(
  kv: Kv<T>,
  signal: AbortSignal,
  put: (key: string, value: T | null) => void,
): Omit<Followed<T>, 'view'> {
  const { promise: current, resolve, reject } = Promise.withResolvers<void>();
  const follow = async () => {
    for await (const change of kv.watch(signal)) {
      if (change.type === 'current') resolve();
      else if (change.type === 'put') put(change.entry.key, change.entry.value);
      else put(change.key, null);
    }
  };
  const done = follow().catch((error: unknown) => {
    reject(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  current.catch(() => undefined);
  return { current, done };
}
