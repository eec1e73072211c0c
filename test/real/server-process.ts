import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server in a process of its own, which ends with this one. */
export interface ServerProcess {
  readonly pid: number;
  /** What it has said so far, on both of its outputs. */
  output(): string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Asked again and again until it says true. */
  readonly ready: () => Promise<boolean>;
  readonly timeoutMs: number;
}

const POLL_MS = 200;
const GRACE_MS = 5_000;

/** Starts a server and waits until it is ready. Throws with the end of its output when it is not in time. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { command, args } = options;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: options.env ?? process.env });
  let output = '';
  const keep = (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-20_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => (output += String(error)));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    await end(child);
    process.off('exit', kill);
  };
  const until = Date.now() + options.timeoutMs;
  while (!(await options.ready())) {
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    if (ended || Date.now() > until) {
      await stop();
      throw new Error(`${command} ${ended ? 'ended' : 'is not ready in time'}:\n${output.slice(-2_000)}`);
    }
    await sleep(POLL_MS);
  }
  return { pid: child.pid ?? 0, output: () => output, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = new Promise<void>((done) => void child.once('exit', () => done()));
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await exit;
  clearTimeout(force);
}
