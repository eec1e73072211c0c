import path from 'node:path';
import type { Clock } from '@assay/lib/clock';
import type { ModelTarget } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { Cluster, ServerSpec, ServerView } from '../ports.ts';
import type { Need } from '../place/fit.ts';
import type { Serving } from '../serving.ts';
import { announceFile, launch, type LocalProcess } from './local-process.ts';
import { askModels } from './model-list.ts';

const HEALTH_MS = 2_000;
const STARTING_MS = 100;
const MOST_RESTARTS = 5;
/** A server that ran this long before it died starts with a clean count. */
const STEADY_MS = 60_000;

const NODE = 'this machine';
/** What a server takes of it. */
const SLOT = 'model servers';
const NEED: Need = { pool: NODE, requests: { [SLOT]: 1 }, labels: {}, tolerations: [] };

interface Server {
  view: ServerView;
  process: LocalProcess | null;
  startedAt: number;
  /** Since when it is to become ready: its start, or when it was last ready. */
  waitsSince: number;
  failures: number;
  readonly stop: AbortController;
  done: Promise<void>;
}

/** Model servers as processes of this machine, supervised: one that dies is started again, at most five times in a row. */
export function localCluster(options: {
  readonly folder: string;
  readonly parentPid: number;
  readonly serving: (target: ModelTarget) => Serving;
  /** Model servers that may run at once. */
  readonly slots: number;
  readonly clock: Clock;
  readonly log: Log;
}): Cluster {
  const { clock } = options;
  const servers = new Map<string, Server>();

  async function step(spec: ServerSpec, server: Server, signal: AbortSignal): Promise<number> {
    if (server.view.phase === 'failed') return HEALTH_MS;
    const serving = options.serving(spec.target);
    if (server.process === null) {
      await start(spec, server, serving);
      return STARTING_MS;
    }
    const ended = await Promise.race([server.process.ended, Promise.resolve(null)]);
    if (ended !== null) return died(server, ended);
    return health(server, server.process, serving, signal);
  }

  async function start(spec: ServerSpec, server: Server, serving: Serving): Promise<void> {
    const folder = path.join(options.folder, spec.key);
    const { parentPid } = options;
    const command = serving.command(announceFile(folder));
    server.process = await launch({ command, env: serving.env, folder, graceMs: 3_000, parentPid });
    server.startedAt = clock.monotonic();
    server.waitsSince = server.startedAt;
    options.log.info(
      { server: spec.key, pid: server.process.pid, model: serving.modelId },
      'model server started',
    );
  }

  async function died(server: Server, how: string): Promise<number> {
    const lines = (await server.process?.lastLines()) ?? '';
    server.process = null;
    if (clock.monotonic() - server.startedAt > STEADY_MS) server.failures = 0;
    server.failures += 1;
    const detail = `the model server ${how}${lines === '' ? '' : `; its last lines: ${lines}`}`;
    options.log.warn({ failures: server.failures, detail }, 'model server died');
    const failed = server.failures > MOST_RESTARTS;
    server.view = {
      ...server.view,
      phase: failed ? 'failed' : 'down',
      fault: new AssayError('SERVER_START_FAILED', detail, { permanent: failed }),
      detail,
      restarts: server.view.restarts + 1,
    };
    return Math.min(10_000, 100 * 2 ** server.failures);
  }

  async function health(
    server: Server,
    running: LocalProcess,
    serving: Serving,
    signal: AbortSignal,
  ): Promise<number> {
    const url = await running.url();
    const baseUrl = url === null ? null : `${url.replace(/\/(v1\/?)?$/, '')}/v1`;
    const fault = baseUrl === null ? null : await ask(baseUrl, serving, signal);
    if (baseUrl !== null && fault === null) {
      server.view = { ...server.view, phase: 'ready', fault: null, detail: 'ready', baseUrl };
      server.waitsSince = clock.monotonic();
      return HEALTH_MS;
    }
    const detail = fault?.message ?? 'loads its model';
    if (fault?.permanent === true) {
      // Started again it would serve the same: what it is refused for stays to be read.
      await running.stop();
      server.process = null;
      server.view = { ...server.view, phase: 'failed', fault, detail };
      return HEALTH_MS;
    }
    const ready = server.view.phase === 'ready';
    server.view = { ...server.view, phase: ready ? 'down' : 'starting', fault, detail };
    if (clock.monotonic() - server.waitsSince > serving.startTimeoutMs) await running.stop();
    return STARTING_MS;
  }

  const room = { [SLOT]: options.slots };
  return {
    kind: 'local',
    need: () => NEED,
    nodes: () => [{ name: NODE, closed: null, labels: {}, taints: [], total: room, free: room }],
    ensure(spec) {
      if (servers.has(spec.key)) return;
      const { modelId, ceiling, contextLength } = options.serving(spec.target);
      const view = firstView(modelId, ceiling, contextLength);
      const stop = new AbortController();
      const server: Server = {
        view,
        process: null,
        startedAt: clock.monotonic(),
        waitsSince: clock.monotonic(),
        failures: 0,
        stop,
        done: Promise.resolve(),
      };
      servers.set(spec.key, server);
      server.done = loop(
        { name: `server ${spec.key}`, step: (signal) => step(spec, server, signal), log: options.log, clock },
        stop.signal,
      );
    },
    view: (key) => servers.get(key)?.view ?? null,
    keys: () => [...servers.keys()],
    housed: () => [...servers.keys()].map((key) => ({ key, need: NEED, node: NODE, avoid: [] })),
    async stop(key) {
      const server = servers.get(key);
      if (server === undefined) return;
      servers.delete(key);
      server.stop.abort();
      await server.done;
      await server.process?.stop();
    },
    async close() {
      await Promise.all([...servers.keys()].map((key) => this.stop(key)));
    },
  };
}

function firstView(model: string, ceiling: number, contextLength: number): ServerView {
  return {
    phase: 'starting',
    fault: null,
    detail: 'starts',
    baseUrl: '',
    model,
    ceiling,
    contextLength,
    restarts: 0,
    start: [],
    ownDeadline: false,
  };
}

async function ask(baseUrl: string, serving: Serving, signal: AbortSignal): Promise<AssayError | null> {
  try {
    await askModels(baseUrl, serving.modelId, { timeoutMs: 5_000, signal });
    return null;
  } catch (error) {
    return AssayError.from(error);
  }
}
