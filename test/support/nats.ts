import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface NatsOptions {
  /** Clients must show it; none by default. */
  readonly token?: string;
  /** Instead of a token: the part of the configuration that knows users. */
  readonly users?: string;
  /** Kept by `stop`; a fresh folder that `stop` removes by default. */
  readonly storeDir?: string;
  /** What JetStream may reserve on disk. Nothing is written for it. Default 256 GiB. */
  readonly maxFileStoreBytes?: number;
  /** Largest message; the server's own default is 1 MiB. */
  readonly maxPayloadBytes?: number;
}

/** A real nats-server with JetStream on a loopback port of its own. */
export interface NatsServer {
  readonly url: string;
  readonly token: string | undefined;
  readonly port: number;
  /** Of the process that runs now: another one after `restart`. */
  readonly pid: number;
  /** Resolves when the process has ended, at once for SIGSTOP and SIGCONT. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and store; one that still runs is asked to end first. */
  restart(): Promise<void>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-nats-'));
  const server = new LocalServer(folder, options);
  try {
    await server.start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The binary: `ASSAY_NATS_SERVER`, else `.assay/tools/nats-server` of the repository, else the PATH. */
export async function natsServer(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env['ASSAY_NATS_SERVER'];
  if (named !== undefined && named !== '') return named;
  const fetched = resolve(import.meta.dirname, '../../.assay/tools/nats-server');
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const path of [fetched, ...folders.map((folder) => join(folder, 'nats-server'))]) {
    if (await isProgram(path)) return path;
  }
  throw new Error('nats-server was not found: set ASSAY_NATS_SERVER or put it on the PATH');
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

class LocalServer implements NatsServer {
  readonly token: string | undefined;
  port = -1; // the server chooses at the first start
  readonly #folder: string;
  readonly #options: NatsOptions;
  #child: ChildProcess | undefined;
  #output = '';
  #starts = 0;

  constructor(folder: string, options: NatsOptions) {
    this.#folder = folder;
    this.#options = options;
    this.token = options.token;
  }

  get url(): string {
    return `nats://127.0.0.1:${String(this.port)}`;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('nats-server does not run');
    return pid;
  }

  async start(): Promise<void> {
    this.#starts += 1;
    this.#output = '';
    const portsFolder = join(this.#folder, `ports-${String(this.#starts)}`);
    await mkdir(portsFolder);
    const config = join(this.#folder, 'nats.conf');
    await writeFile(config, this.#config(portsFolder), { mode: 0o600 });
    const child = spawn(await natsServer(), ['-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-8_192);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => keep(Buffer.from(String(error))));
    const reap = () => child.kill('SIGKILL');
    process.once('exit', reap);
    child.once('exit', () => process.off('exit', reap));
    this.port = await this.#ready(child, portsFolder);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || ended(child)) return;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      child.kill(signal);
      return;
    }
    const exit = new Promise<void>((done) => void child.once('exit', () => done()));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exit;
    clearTimeout(late);
  }

  async restart(): Promise<void> {
    await this.kill('SIGTERM');
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #config(portsFolder: string): string {
    const {
      storeDir,
      maxFileStoreBytes = 256 * 1024 ** 3,
      maxPayloadBytes,
      token,
      users = '',
    } = this.#options;
    const lines = [
      `server_name: "test-${randomBytes(4).toString('hex')}"`,
      `listen: "127.0.0.1:${String(this.port)}"`,
      `ports_file_dir: ${JSON.stringify(portsFolder)}`,
      `jetstream { store_dir: ${JSON.stringify(storeDir ?? join(this.#folder, 'store'))}, max_file_store: ${String(maxFileStoreBytes)} }`,
      maxPayloadBytes === undefined ? '' : `max_payload: ${String(maxPayloadBytes)}`,
      token === undefined ? users : `authorization { token: ${JSON.stringify(token)} }`,
    ];
    return lines.join('\n');
  }

  async #ready(child: ChildProcess, portsFolder: string): Promise<number> {
    const until = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < until) {
      if (child.pid === undefined || ended(child)) throw new Error(`nats-server ended:\n${this.#output}`);
      const port = await portIn(portsFolder);
      if (port !== null && (await greets(port))) return port;
      await sleep(10);
    }
    throw new Error(`nats-server was not ready in time:\n${this.#output}`);
  }
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function portIn(folder: string): Promise<number | null> {
  const name = (await readdir(folder)).find((file) => file.endsWith('.ports'));
  if (name === undefined) return null;
  const found = /"nats":\s*\[\s*"nats:\/\/[^"]*:(\d+)"/.exec(await readFile(join(folder, name), 'utf8'));
  return found === null ? null : Number(found[1]);
}

/** Whether the port answers with the server's INFO line. */
function greets(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once('data', (data) => end(data.toString().startsWith('INFO ')));
    socket.once('error', () => end(false));
    socket.setTimeout(2_000, () => end(false));
  });
}
