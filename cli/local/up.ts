import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError } from '@assay/lib/errors';
import { lastFault } from './last-fault.ts';
import { layoutOf, type Layout } from './layout.ts';
import { endOrphans } from './orphans.ts';
import { lives, parseIdentity, type ProcessIdentity } from './process-identity.ts';
import { SERVICES } from './services.ts';
import { readOr } from './state.ts';
import { opsAddress } from './supervisor.ts';
import { takeTurn } from './turn.ts';

export interface ServiceStatus {
  readonly name: string;
  readonly running: boolean;
  readonly ready: boolean;
  /** Where it answers /metrics, /livez and /readyz. */
  readonly ops: string;
  /** Why it is not ready. */
  readonly reason: string;
}

export interface LocalStatus {
  readonly state: string;
  readonly running: boolean;
  readonly pid: number;
  readonly services: readonly ServiceStatus[];
}

export interface UpOptions {
  readonly state: string;
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  /** Aborts to give up; a supervisor that was started here is stopped again. */
  readonly signal: AbortSignal;
}

const UP_MS = 120_000;
const DOWN_MS = 40_000;
const POLL_MS = 200;

/** The supervisor of a state folder, when one runs. */
export async function supervisorOf(layout: Layout): Promise<ProcessIdentity | null> {
  const identity = parseIdentity(await readOr(layout.supervisorFile, ''));
  return identity !== null && (await lives(identity)) ? identity : null;
}

/** Starts a supervisor that outlives this process, and waits until every service is ready. Idempotent. */
export async function up(options: UpOptions): Promise<LocalStatus> {
  const { state, signal } = options;
  const turn = await takeTurn(path.join(state, 'up.lock'));
  try {
    const starts = turn.holder !== null || (await supervisorOf(layoutOf(state))) !== null;
    return await (starts ? whenReady(state, signal) : start(options));
  } finally {
    await turn.release();
  }
}

async function start(options: UpOptions): Promise<LocalStatus> {
  const { state, signal } = options;
  const supervisor = await spawnSupervisor(options);
  const over = new AbortController();
  const early = supervisor.ended.then(async (): Promise<never> => {
    const why = await lastFault(path.join(layoutOf(state).logs, 'local.log'));
    throw new AssayError('UNAVAILABLE', `the local services did not start: ${why}`);
  });
  try {
    return await Promise.race([whenReady(state, AbortSignal.any([signal, over.signal])), early]);
  } catch (error) {
    if (signal.aborted) {
      supervisor.stop();
      await supervisor.ended;
    }
    throw error;
  } finally {
    over.abort();
    early.catch(() => undefined);
  }
}

async function spawnSupervisor(options: UpOptions): Promise<{ readonly ended: Promise<void>; stop(): void }> {
  const { logs } = layoutOf(options.state);
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const output = await open(path.join(logs, 'local.log'), 'a', 0o600);
  const child = spawn(process.execPath, [options.main, 'local', 'run', '--state', options.state], {
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    env: options.env,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.unref();
  await output.close();
  return {
    ended,
    stop() {
      child.ref();
      child.kill('SIGTERM');
    },
  };
}

/** Waits until every service is ready; throws with what each that is not says when that takes too long. */
export async function whenReady(state: string, signal: AbortSignal, withinMs = UP_MS): Promise<LocalStatus> {
  for (let waited = 0; ; waited += POLL_MS) {
    const now = await status(state);
    const missing = now.services.filter((service) => !service.ready);
    if (now.running && missing.length === 0) return now;
    if (waited >= withinMs) throw notReady(missing, withinMs);
    await sleep(POLL_MS, undefined, { signal });
  }
}

function notReady(missing: readonly ServiceStatus[], afterMs: number): AssayError {
  const reasons = missing.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return new AssayError(
    'UNAVAILABLE',
    `the local services are not ready after ${afterMs / 1_000} s; \`assay local logs\` shows more; ${reasons}`,
  );
}

/** Stops the supervisor, or what one that was killed left behind, and waits until everything has ended. */
export async function down(state: string, signal: AbortSignal): Promise<boolean> {
  const layout = layoutOf(state);
  const supervisor = await supervisorOf(layout);
  if (supervisor === null) return endOrphans(layout);
  process.kill(supervisor.pid, 'SIGTERM');
  for (let waited = 0; waited < DOWN_MS; waited += 100) {
    if (!(await lives(supervisor))) return true;
    await sleep(100, undefined, { signal });
  }
  throw new AssayError(
    'UNAVAILABLE',
    `process ${supervisor.pid} has not ended after ${DOWN_MS / 1_000} s; its log is ${path.join(layout.logs, 'local.log')}`,
  );
}

export async function status(state: string): Promise<LocalStatus> {
  const layout = layoutOf(state);
  const supervisor = await supervisorOf(layout);
  const services = await Promise.all(
    SERVICES.map((name) => serviceStatus(layout, name, supervisor !== null)),
  );
  return { state, running: supervisor !== null, pid: supervisor?.pid ?? 0, services };
}

async function serviceStatus(
  layout: Layout,
  name: (typeof SERVICES)[number],
  up_: boolean,
): Promise<ServiceStatus> {
  const ops = up_ ? await opsAddress(layout, name) : null;
  if (ops === null) return { name, running: false, ready: false, ops: '', reason: 'does not run' };
  try {
    const response = await fetch(`http://${ops}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return {
      name,
      running: true,
      ready: response.ok,
      ops,
      reason: response.ok ? '' : (await response.text()).trim(),
    };
  } catch {
    return { name, running: false, ready: false, ops, reason: 'does not answer' };
  }
}
