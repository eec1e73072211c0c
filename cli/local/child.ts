import { spawn, type ChildProcess } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';
import { identityOf, lives, parseIdentity } from './process-identity.ts';
import { readOr, writeWhole } from './state.ts';

export interface ChildSpec {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly pidFile: string;
  readonly announceFile: string | null;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

export interface Child {
  readonly name: string;
  pid(): number | null;
  restarts(): number;
  /** How the last one ended; empty while the first runs. */
  lastEnd(): string;
  /** Ends the process at once; it is started again. */
  kill(): void;
  /** Runs until `stop`, starting the process again whenever it ends. */
  run(stop: AbortSignal): Promise<void>;
}

const STEADY_MS = 30_000;
const MOST_BACKOFF_MS = 5_000;

/** One process that is kept running: restarted with a growing pause, its output appended to a file. */
export function child(spec: ChildSpec, clock: Clock, log: Log): Child {
  let current: ChildProcess | null = null;
  let restarts = 0;
  let lastEnd = '';

  async function once(stop: AbortSignal): Promise<void> {
    const output = await open(spec.logFile, 'a', 0o600);
    const [command = '', ...args] = spec.command;
    let started: ChildProcess;
    let ended: Promise<string>;
    try {
      started = spawn(command, args, {
        stdio: ['ignore', output.fd, output.fd],
        env: { ...spec.env },
        detached: true,
      });
      ended = endOf(started);
    } finally {
      await output.close().catch((error: unknown) => untidy(error));
    }
    current = started;
    const end = () => void endGently(started, ended, spec.graceMs);
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();
    if (started.pid !== undefined) await writePid(spec, started.pid).catch(untidy);
    lastEnd = await ended;
    stop.removeEventListener('abort', end);
    current = null;
    await rm(spec.pidFile, { force: true }).catch(untidy);
  }

  // A disk that is full is no reason to leave a process alone.
  const untidy = (error: unknown) => log.warn({ err: error, name: spec.name }, 'its files cannot be kept');

  return {
    name: spec.name,
    pid: () => current?.pid ?? null,
    restarts: () => restarts,
    lastEnd: () => lastEnd,
    kill: () => current?.kill('SIGKILL'),
    async run(stop) {
      await sweep(spec.pidFile).catch(untidy);
      let failures = 0;
      while (!stop.aborted) {
        const startedAt = clock.monotonic();
        if (spec.announceFile !== null) await rm(spec.announceFile, { force: true }).catch(untidy);
        try {
          await once(stop);
        } catch (error) {
          lastEnd = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
          log.error({ err: error, name: spec.name }, 'not started');
        }
        if (stop.aborted) return;
        restarts += 1;
        failures = clock.monotonic() - startedAt > STEADY_MS ? 1 : failures + 1;
        await clock.sleep(Math.min(MOST_BACKOFF_MS, 100 * 2 ** failures), stop).catch(() => undefined);
      }
    },
  };
}

function endOf(started: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    started.once('error', (error) => resolve(`could not be started: ${error.message}`));
    started.once('exit', (code, signal) =>
      resolve(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
    );
  });
}

async function writePid(spec: ChildSpec, pid: number): Promise<void> {
  const identity = await identityOf(pid);
  if (identity !== null) await writeWhole(spec.pidFile, JSON.stringify(identity), 0o600);
}

/** Ends what an earlier supervisor left running. Only the very process that it noted: number and start time. */
export async function sweep(pidFile: string): Promise<void> {
  const identity = parseIdentity(await readOr(pidFile, ''));
  if (identity !== null && (await lives(identity))) {
    process.kill(identity.pid, 'SIGTERM');
    for (let i = 0; i < 50 && (await lives(identity)); i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    if (await lives(identity)) process.kill(identity.pid, 'SIGKILL');
  }
  await rm(pidFile, { force: true });
}

async function endGently(process_: ChildProcess, ended: Promise<string>, graceMs: number): Promise<void> {
  process_.kill('SIGTERM');
  const timer = setTimeout(() => process_.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
}

export function pidFileOf(run: string, name: string): string {
  return path.join(run, `${name}.pid`);
}
