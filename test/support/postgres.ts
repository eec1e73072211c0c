import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { settings } from '@assay/lib/config';
import type { ServerSettings } from '../../services/reporter/adapters/server-database.ts';
import { notRun } from './not-run.ts';

const run = promisify(execFile);

const DEBIAN = '/usr/lib/postgresql';
const USER = 'assay';
const START_TIMEOUT_MS = 60_000;

/** A real PostgreSQL on a loopback port of its own, that asks for a password. */
export interface PostgresServer {
  readonly password: string;
  readonly port: number;
  /** Makes an empty database; gives its URL. */
  database(options?: string): Promise<string>;
  /** The process and all its connections are gone at once; resolves when they are. Default SIGQUIT: no shutdown. */
  kill(signal?: 'SIGQUIT' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** The folder of `postgres` and `initdb`: PATH, else Debian's newest. Null, said as not run, where there is none. */
export async function findPostgres(part: string): Promise<string | null> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = [...path, ...debianFolders()].find((folder) => isProgram(join(folder, 'postgres')));
  if (found === undefined) {
    await notRun(part, 'there is no PostgreSQL (Debian: apt install postgresql)');
    return null;
  }
  if (process.getuid?.() !== 0 || userOf() !== undefined) return found;
  await notRun(part, 'PostgreSQL does not run as root, and there is no user postgres or nobody');
  return null;
}

/** As the reporter's own configuration would read it. */
export function serverSettings(url: string, parts: Partial<ServerSettings> = {}): ServerSettings {
  const limits = { connections: 4, connectTimeoutMs: 5_000, statementTimeoutMs: 10_000 };
  return { url: settings.databaseUrl.parse(url), ...limits, ...parts };
}

export async function startPostgres(programs: string): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-postgres-'));
  const server = new LocalServer(folder, programs);
  try {
    await server.init();
    await server.restart();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class LocalServer implements PostgresServer {
  readonly password = randomBytes(12).toString('hex');
  port = 0;
  readonly #folder: string;
  readonly #programs: string;
  readonly #as = process.getuid?.() === 0 ? userOf() : undefined;
  #child: ChildProcess | undefined;
  #output = '';
  #databases = 0;

  constructor(folder: string, programs: string) {
    this.#folder = folder;
    this.#programs = programs;
  }

  async init(): Promise<void> {
    const file = join(this.#folder, 'password');
    await writeFile(file, this.password);
    if (this.#as !== undefined) {
      for (const path of [this.#folder, file]) await chown(path, this.#as.uid, this.#as.gid);
    }
    const secret = ['--auth=scram-sha-256', `--pwfile=${file}`];
    const args = ['-D', this.#data, '-U', USER, '-E', 'UTF8', '--locale=C', '--no-sync', ...secret];
    await run(join(this.#programs, 'initdb'), args, { ...this.#as, cwd: this.#folder });
    this.port = await freePort();
  }

  async database(options = ''): Promise<string> {
    this.#databases += 1;
    const name = `assay${this.#databases}`;
    await this.#ask(`create database ${name} ${options}`);
    return this.#url(name);
  }

  async kill(signal: 'SIGQUIT' | 'SIGKILL' = 'SIGQUIT'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || ended(child)) return;
    const exit = new Promise<void>((done) => void child.once('exit', () => done()));
    child.kill(signal);
    await exit;
  }

  async restart(): Promise<void> {
    const until = performance.now() + START_TIMEOUT_MS;
    this.#start();
    while (!(await this.#answers())) {
      if (performance.now() > until) throw new Error(`PostgreSQL was not ready in time:\n${this.#output}`);
      await sleep(50);
      // Those that a killed server leaves behind hold its memory for a moment.
      if (this.#child === undefined || ended(this.#child)) this.#start();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  #url(database: string): string {
    return `postgres://${USER}:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  #start(): void {
    const values = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      shared_buffers: '16MB',
      max_connections: '60',
    };
    const args = Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(join(this.#programs, 'postgres'), ['-D', this.#data, ...args], {
      ...this.#as,
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    const keep = (text: string) => {
      this.#output = (this.#output + text).slice(-8_192);
    };
    child.stderr.on('data', (chunk: Buffer) => keep(chunk.toString()));
    child.once('error', (error) => keep(String(error)));
    const reap = () => child.kill('SIGQUIT');
    process.once('exit', reap);
    child.once('exit', () => process.off('exit', reap));
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#ask('select 1');
      return true;
    } catch {
      return false;
    }
  }

  async #ask(text: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url('postgres'), connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(text);
    } finally {
      await client.end();
    }
  }
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function debianFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(DEBIAN, version, 'bin'));
  } catch {
    return [];
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whom PostgreSQL can run as when we are root. */
function userOf(): { readonly uid: number; readonly gid: number } | undefined {
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [line] = ['postgres', 'nobody'].flatMap((name) => lines.filter(([known]) => known === name));
  return line === undefined ? undefined : { uid: Number(line[2]), gid: Number(line[3]) };
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}
