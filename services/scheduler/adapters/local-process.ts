import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** How a model server is started on this machine. */
export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the process writes its output, and `{ "url": … }` once it listens. */
  readonly folder: string;
  readonly graceMs: number;
  /** This process: when it dies, so does the server. */
  readonly parentPid: number;
}

export interface LocalProcess {
  readonly pid: number;
  /** Resolves with how it ended; never rejects. */
  readonly ended: Promise<string>;
  /** Where it announced that it listens, such as `http://127.0.0.1:8000`; null until it has. */
  url(): Promise<string | null>;
  lastLines(): Promise<string>;
  /** Ends the whole session; resolves when it is gone. */
  stop(): Promise<void>;
}

const LAUNCHER = fileURLToPath(new URL('launch.py', import.meta.url));
const TAIL_BYTES = 4_096;

export function announceFile(folder: string): string {
  return path.join(folder, 'announce.json');
}

/** Starts a model server under a launcher that ends it when this process dies. */
export async function launch(options: Launch): Promise<LocalProcess> {
  const { folder, graceMs } = options;
  await mkdir(folder, { recursive: true });
  await rm(announceFile(folder), { force: true });
  const logFile = path.join(folder, 'server.log');
  const output = await open(logFile, 'w');
  let child: ChildProcess;
  try {
    child = spawn(
      'python3',
      [LAUNCHER, String(options.parentPid), String(graceMs / 1_000), ...options.command],
      {
        stdio: ['ignore', output.fd, output.fd],
        env: { ...options.env },
      },
    );
  } finally {
    await output.close();
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
    );
  });
  return {
    pid: child.pid ?? -1,
    ended,
    url: () => announcedUrl(folder),
    lastLines: () => tail(logFile),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function announcedUrl(folder: string): Promise<string | null> {
  const text = await readFile(announceFile(folder), 'utf8').catch(() => null);
  if (text === null) return null;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string'
    ? value.url
    : null;
}

async function tail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.slice(-TAIL_BYTES).trim().split('\n').slice(-10).join('\n');
}
