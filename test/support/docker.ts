import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { notRun } from './not-run.ts';

const run = promisify(execFile);
const START_MS = 30_000;
const STOP_MS = 20_000;

/** A container engine that tests may use. */
export interface DockerEngine {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** What testcontainers and the `docker` command need to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the engine with all its containers and files, if it was started here. */
  stop(): Promise<void>;
}

/**
 * The engine that answers already, or Debian's dockerd started by hand with files, socket and bridge of its own. Null, said
 * on the console and in the file of ASSAY_NOT_RUN, where there is neither, or one of the `programs` that the part needs is
 * missing; an error where ASSAY_REQUIRE names `docker`.
 */
export async function dockerEngine(part: string, programs: readonly string[]): Promise<DockerEngine | null> {
  const missing = ['docker', ...programs].find((name) => programAt(name) === null);
  if (missing !== undefined) {
    const name = missing === 'docker' ? 'docker.io' : missing;
    return refuse(part, `${missing} is not there (Debian: apt install ${name})`);
  }
  const given = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  if (await answers(given)) return engineAt(given, () => Promise.resolve());
  const dockerd = programAt('dockerd');
  if (dockerd === null) return refuse(part, 'no container engine is there (Debian: apt install docker.io)');
  if (process.getuid?.() !== 0)
    return refuse(part, 'no container engine answers, and starting one needs root');
  try {
    return await start(dockerd);
  } catch (error) {
    return refuse(part, error instanceof Error ? error.message : String(error));
  }
}

function programAt(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin'];
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file)) ?? null;
}

function engineAt(host: string, stop: () => Promise<void>): DockerEngine {
  // Ryuk is an image of a registry; what it would clean up ends with the tests, or with the engine.
  return { host, env: { DOCKER_HOST: host, TESTCONTAINERS_RYUK_DISABLED: 'true' }, stop };
}

async function start(dockerd: string): Promise<DockerEngine> {
  // Short, for the paths of its sockets may have 107 characters.
  const folder = await mkdtemp('/tmp/assay-docker-');
  const at = (name: string) => path.join(folder, name);
  const host = `unix://${at('sock')}`;
  const bridge = `assay-d${process.pid % 1_000_000}`;
  await run('ip', ['link', 'add', bridge, 'type', 'bridge']);
  await run('ip', ['addr', 'add', subnet(), 'dev', bridge]);
  await run('ip', ['link', 'set', bridge, 'up']);
  const log = openSync(at('log'), 'w');
  // Without its firewall rules the machine's own stay as they are; ports are published by a process for each.
  const files = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')];
  const quiet = ['--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false'];
  const args = [...files, '--host', host, '--bridge', bridge, ...quiet];
  const child = spawn(dockerd, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const stop = async () => {
    await end(child);
    await run('ip', ['link', 'del', bridge]);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  for (const until = performance.now() + START_MS; performance.now() < until; await sleep(100)) {
    if (child.exitCode !== null) break;
    if (existsSync(at('sock')) && (await answers(host))) return engineAt(host, stop);
  }
  const said = readFileSync(at('log'), 'utf8').trim().split('\n').at(-1) ?? '';
  await stop();
  throw new Error(`dockerd did not start: ${said}`);
}

// Two engines at once want networks that do not overlap.
function subnet(): string {
  return `172.30.${process.pid % 250}.1/24`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((done) => void child.once('exit', () => done()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(late);
}

async function answers(host: string): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], {
      env: { ...process.env, DOCKER_HOST: host },
      timeout: 10_000,
    });
    return true;
  } catch {
    return false;
  }
}

async function refuse(part: string, why: string): Promise<null> {
  await notRun(part, why, 'docker');
  return null;
}
