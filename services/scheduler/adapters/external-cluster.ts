import type { Clock } from '@assay/lib/clock';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { Cluster, ServerSpec, ServerView } from '../ports.ts';
import { askModels } from './model-list.ts';

const PROBE_MS = 5_000;
const RETRY_MS = 1_000;
/** Unreachable for this long before it was ever reached: the endpoint is wrong, not late. */
const GIVE_UP_MS = 15_000;

/** Endpoints that users name: nothing is started, only looked at. */
export function externalCluster(options: {
  /** The text of an endpoint's key; null when there is none. */
  readonly key: (secret: string) => Promise<string | null>;
  readonly ceiling: number;
  readonly clock: Clock;
  readonly log: Log;
}): Cluster {
  const servers = new Map<
    string,
    { view: ServerView; readonly stop: AbortController; readonly done: Promise<void> }
  >();

  function watch(spec: ServerSpec) {
    const { target, key } = spec;
    if (target.type !== 'endpoint') throw new Error(`server ${key} is not an endpoint`);
    const stop = new AbortController();
    const log = options.log.child({ server: key });
    const startedAt = options.clock.monotonic();
    let reached = false;
    const view: ServerView = {
      phase: 'starting',
      fault: null,
      detail: `asks ${target.baseUrl}`,
      baseUrl: target.baseUrl,
      model: target.model,
      ceiling: options.ceiling,
      contextLength: 0,
      restarts: 0,
      ...(target.secret === undefined ? {} : { secret: target.secret }),
      start: [],
      ownDeadline: false,
    };
    const show = (change: Partial<ServerView>) => {
      const entry = servers.get(key);
      if (entry !== undefined) entry.view = { ...entry.view, ...change };
    };
    const step = async (signal: AbortSignal): Promise<number> => {
      try {
        const apiKey = target.secret === undefined ? null : await options.key(target.secret);
        const listed = await askModels(target.baseUrl, target.model, {
          timeoutMs: 10_000,
          signal,
          ...(apiKey === null ? {} : { apiKey }),
        });
        reached = true;
        show({ phase: 'ready', fault: null, detail: 'ready', contextLength: listed.contextLength });
        return PROBE_MS;
      } catch (error) {
        if (signal.aborted) return 0;
        const fault = AssayError.from(error);
        const late = !reached && options.clock.monotonic() - startedAt > GIVE_UP_MS;
        show({
          phase: fault.permanent || late ? 'failed' : reached ? 'down' : 'starting',
          fault,
          detail: fault.message,
        });
        return fault.permanent || late ? PROBE_MS : RETRY_MS;
      }
    };
    const done = loop({ name: `endpoint ${key}`, step, log, clock: options.clock }, stop.signal);
    servers.set(key, { view, stop, done });
  }

  return {
    kind: 'external',
    need: () => null,
    nodes: () => [],
    ensure(spec) {
      if (!servers.has(spec.key)) watch(spec);
    },
    view: (key) => servers.get(key)?.view ?? null,
    keys: () => [...servers.keys()],
    housed: () => [...servers.keys()].map((key) => ({ key, need: null, node: null, avoid: [] })),
    async stop(key) {
      const server = servers.get(key);
      server?.stop.abort();
      servers.delete(key);
      await server?.done;
    },
    async close() {
      await Promise.all([...servers.keys()].map((key) => this.stop(key)));
    },
  };
}
