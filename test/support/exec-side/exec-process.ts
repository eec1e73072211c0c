import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { notRun } from '../not-run.ts';
import { childrenOf } from './processes.ts';

const JAIL = path.join(import.meta.dirname, '../../../lib/python/jail');
const LAUNCHER = path.join(import.meta.dirname, 'as-in-a-pod.py');
const PYTHONS = ['/usr/bin/python3', '/usr/local/bin/python3'];

/** The users of the two containers, and the group that may use the socket. */
export const AGENT = { uid: 10_001, gid: 10_001 };
export const EXEC = { uid: 10_002, gid: 10_001 };

/** The exec container, as far as one is made without an engine. */
export interface ExecProcess {
  readonly socket: string;
  readonly python: string;
  /** Of `serve.py`, seen from here; it is the first process of its own namespace. */
  readonly pid: number;
  /** What it said. */
  readonly said: string;
  /** Ends it in this way and waits: its exit code, or 128 and the signal. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Starts it again, as a kubelet would. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Whether it can be made here: that takes root for its users. Where it cannot, that is said on the console and in the file of
 * ASSAY_NOT_RUN; it is an error where ASSAY_REQUIRE names `exec`.
 */
export async function execIsPossible(part: string): Promise<boolean> {
  const why = whyNot();
  if (why !== null) await notRun(part, why, 'exec');
  return why === null;
}

function whyNot(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'two users share a socket only as root on Linux';
  const missing = ['unshare', 'setpriv'].find((name) => !existsSync(`/usr/bin/${name}`));
  if (missing !== undefined) return `${missing} is not there (Debian: apt install util-linux)`;
  return pythonForAll() === null ? `none of ${PYTHONS.join(', ')} is Python 3.10 or later` : null;
}

/** One that every user may run. */
function pythonForAll(): string | null {
  const check = 'import sys; sys.exit(sys.version_info < (3, 10))';
  return (
    PYTHONS.find((python) => {
      try {
        accessSync(python);
        execFileSync(python, ['-S', '-c', check], { ...EXEC, stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    }) ?? null
  );
}

/** Starts it; with `start: false` only its folder is there. */
export async function execProcess(options: { readonly start?: boolean } = {}): Promise<ExecProcess> {
  const python = pythonForAll() ?? '';
  const folder = mkdtempSync('/tmp/assay-exec-');
  chmodSync(folder, 0o755);
  const shared = path.join(folder, 'run');
  mkdirSync(shared);
  chownSync(shared, 0, AGENT.gid);
  chmodSync(shared, 0o2770); // what a kubelet makes of an emptyDir and an fsGroup
  // The checkout may be of root alone.
  cpSync(JAIL, path.join(folder, 'jail'), { recursive: true });
  cpSync(LAUNCHER, path.join(folder, 'launch.py'));
  const made = new Container(python, folder, path.join(shared, 'exec.sock'));
  if (options.start !== false) await made.start();
  return made;
}

class Container implements ExecProcess {
  readonly socket: string;
  readonly python: string;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  pid = 0;
  said = '';

  constructor(python: string, folder: string, socket: string) {
    this.python = python;
    this.#folder = folder;
    this.socket = socket;
  }

  async start(): Promise<void> {
    const at = (name: string): string => path.join(this.#folder, name);
    const namespaces = ['--pid', '--fork', '--kill-child', '--mount-proc'];
    const user = [`--reuid=${EXEC.uid}`, `--regid=${EXEC.gid}`, '--clear-groups'];
    const program = [this.python, '-s', '-S', '-B', at('launch.py'), at('jail/serve.py')];
    const child = spawn('unshare', [...namespaces, 'setpriv', ...user, ...program], {
      env: { PATH: '/usr/bin:/bin', ASSAY_EXEC_SOCKET: this.socket },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    this.said = '';
    child.stderr.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    for (let tries = 0; tries < 200 && !this.said.includes('serves'); tries += 1) await sleep(25);
    this.pid = childrenOf(child.pid ?? 0)[0] ?? 0;
    if (this.pid === 0) throw new Error(`the exec side did not start: ${this.said}`);
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    this.#child = null;
    const closed = once(child, 'close');
    process.kill(this.pid, signal);
    await closed;
    return child.exitCode;
  }

  async close(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
