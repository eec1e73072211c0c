import { readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Clock } from '@assay/lib/clock';
import { AssayError, passing } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { tendBallast, type BallastMemory, type BallastOptions } from './ballast.ts';
import { brokerSpec, findNatsServer } from './broker.ts';
import { child, type Child } from './child.ts';
import { claim } from './claim.ts';
import { lastFault } from './last-fault.ts';
import type { Layout } from './layout.ts';
import { ledgerSizes } from './ledger-sizes.ts';
import {
  announceFileOf,
  SERVICES,
  serviceSpecs,
  type ServiceName,
  type ServiceSettings,
} from './services.ts';
import { openState } from './state.ts';

export type BallastSizes = Pick<BallastOptions, 'bytes' | 'fullBytes'>;

export interface SupervisorOptions {
  readonly layout: Layout;
  readonly home: string;
  readonly node: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly catalog: string;
  /** A broker that runs already; none means that one is started. */
  readonly broker: { readonly url: string; readonly token: string | undefined } | null;
  readonly natsServer: string | undefined;
  readonly extra: ServiceSettings['extra'];
  /** How large the ballast is, and with how little room the broker's disk counts as full. */
  readonly ballast?: BallastSizes;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Supervisor {
  /** Resolves when every service is ready; rejects with the first that keeps dying. */
  readonly ready: Promise<void>;
  /** Resolves when everything has ended, after `stop`. */
  readonly done: Promise<void>;
  readonly children: ReadonlyMap<string, Child>;
}

const BALLAST: BallastSizes = { bytes: 64 * 1024 * 1024, fullBytes: 16 * 1024 * 1024 };
const TEND_MS = 1_000;
const READY_MS = 120_000;

/** Runs the broker and the four services on this machine until `stop` aborts. One supervisor to a state folder. */
export async function supervise(options: SupervisorOptions, stop: AbortSignal): Promise<Supervisor> {
  // Claimed first: what a second supervisor writes into the folder would break the one that runs.
  await claim(options.layout, options.pid);
  try {
    return await start(options, stop);
  } catch (error) {
    await rm(options.layout.supervisorFile, { force: true });
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw passing(
        'UNAVAILABLE',
        `the disk of ${options.layout.root} is full; free some room and try again`,
        error,
      );
    throw error;
  }
}

async function start(options: SupervisorOptions, stop: AbortSignal): Promise<Supervisor> {
  const { layout, clock, log } = options;
  const { token, ports } = await openState(layout);
  const sizes = await ledgerSizes(layout, log);
  const children = new Map<string, Child>();
  const broker = options.broker ?? { url: `nats://127.0.0.1:${ports.nats}`, token };
  if (options.broker === null) {
    const server = await findNatsServer(layout, options.natsServer, options.env['PATH'] ?? '');
    const spec = await brokerSpec({
      layout,
      server,
      ports,
      token,
      storeBytes: sizes.storeBytes,
      env: options.env,
    });
    children.set('nats', child(spec, clock, log));
  }
  const { home, node, env, catalog, extra } = options;
  const specs = serviceSpecs({
    layout,
    ports,
    token,
    natsUrl: broker.url,
    natsToken: broker.token,
    home,
    node,
    env,
    catalog,
    extra,
    ledger: sizes,
  });
  for (const name of SERVICES) children.set(name, child(specs[name], clock, log));

  const done = run(options, children, stop);
  const ready = whenReady(layout, ports.nats, options.broker === null, children, clock, stop);
  for (const told of [ready, done]) told.catch(() => undefined);
  return { ready, done, children };
}

// When one of them can be kept no longer, all are stopped, and `done` rejects. The broker goes last: services still store
// what they have in hand while they stop.
async function run(
  options: SupervisorOptions,
  children: ReadonlyMap<string, Child>,
  stop: AbortSignal,
): Promise<void> {
  const { log, clock } = options;
  const broken = new AbortController();
  const brokerStop = new AbortController();
  const halt = AbortSignal.any([stop, broken.signal]);
  const kept = (work: Promise<void>) => work.catch((error: unknown) => broken.abort(error));
  const nats = children.get('nats');
  const broker = nats === undefined ? null : kept(nats.run(brokerStop.signal));
  const others = [...children.values()].filter((process) => process !== nats).map((it) => it.run(halt));
  if (nats !== undefined)
    others.push(loop({ name: 'ballast', step: tending(options, nats), log, clock }, halt));
  await Promise.all(others.map(kept));
  brokerStop.abort();
  await broker;
  await rm(options.layout.supervisorFile, { force: true });
  if (broken.signal.aborted) throw broken.signal.reason;
}

function tending({ layout, log, ballast = BALLAST }: SupervisorOptions, nats: Child): () => Promise<number> {
  const memory: BallastMemory = { full: false };
  return async () => {
    const file = layout.ballastFile;
    const act = await tendBallast({ file, ...ballast }, memory);
    if (act === 'released')
      log.error(
        { file },
        'the disk of the broker is full: ballast released, broker restarts; free some room',
      );
    if (act === 'freed') log.warn({ file }, 'the disk of the broker has room again: broker restarts');
    if (act === 'released' || act === 'freed') nats.kill();
    return TEND_MS;
  };
}

async function whenReady(
  layout: Layout,
  natsPort: number,
  ownBroker: boolean,
  children: ReadonlyMap<string, Child>,
  clock: Clock,
  stop: AbortSignal,
): Promise<void> {
  const until = clock.monotonic() + READY_MS;
  const missing = new Set<string>(ownBroker ? ['nats', ...SERVICES] : SERVICES);
  while (missing.size > 0) {
    for (const name of missing) {
      const up =
        name === 'nats'
          ? await accepts(natsPort)
          : await serviceReady(
              layout,
              SERVICES.find((s) => s === name),
            );
      if (up) missing.delete(name);
      const process = children.get(name);
      if (!up && process !== undefined && process.restarts() >= 5) throw await dying(layout, name, process);
    }
    if (missing.size === 0) return;
    if (clock.monotonic() > until)
      throw new AssayError(
        'UNAVAILABLE',
        `${[...missing].join(', ')} did not become ready; see ${layout.logs}`,
      );
    await clock.sleep(100, stop);
  }
}

async function dying(layout: Layout, name: string, process: Child): Promise<AssayError> {
  const logFile = `${layout.logs}/${name}.log`;
  const why = await lastFault(logFile);
  return new AssayError(
    'UNAVAILABLE',
    `${name} ${process.lastEnd()} again and again${why === '' ? '' : `: ${why}`}; its log is ${logFile}`,
  );
}

async function serviceReady(layout: Layout, name: ServiceName | undefined): Promise<boolean> {
  if (name === undefined) return false;
  const ops = await opsAddress(layout, name);
  if (ops === null) return false;
  const response = await fetch(`http://${ops}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(
    () => null,
  );
  await response?.text().catch(() => '');
  return response?.ok === true;
}

/** Where a service answers `/metrics`, `/livez` and `/readyz`; null while it does not run. */
export async function opsAddress(layout: Layout, name: ServiceName): Promise<string | null> {
  const text = await readFile(announceFileOf(layout, name), 'utf8').catch(() => '');
  const value: unknown = text === '' ? null : JSON.parse(text);
  return typeof value === 'object' && value !== null && 'ops' in value && typeof value.ops === 'string'
    ? value.ops
    : null;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    const end = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
