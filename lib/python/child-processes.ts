import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Log } from '@assay/lib/log';
import type { Channel, Channels, ChannelUser } from './channel.ts';

const SCRIPT = fileURLToPath(new URL('./jail/zygote.py', import.meta.url));
const STDERR_CHARS = 4_000;
// Each zygote of this machine has another: its user id is derived from it.
const MOST_SERIALS = 1 << 24;

/** The jail's processes as children of this one. */
export function childProcesses(python: string, log: Log): Channels {
  return { open: async (user) => start(python, log, user) };
}

function start(python: string, log: Log, user: ChannelUser): Channel {
  const child = spawn(python, ['-s', '-S', '-B', SCRIPT, String(randomInt(1, MOST_SERIALS))], {
    cwd: '/',
    env: { PYTHONHASHSEED: '0', PYTHONUTF8: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.on('error', (error) => user.ended(`the jail cannot be started: ${error.message}`));
  child.on('close', (code, signal) => {
    const [last = ''] = stderr.trimEnd().split('\n').slice(-1);
    if (last !== '') log.debug({ stderr }, 'jail ended');
    const how = `the jail's parent process ended (${signal ?? `exit code ${code}`})`;
    user.ended(last === '' ? how : `${how}: ${last}`);
  });
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => user.read(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString('utf8')}`.slice(-STDERR_CHARS);
  });
  return {
    write: (frame) => void child.stdin.write(frame),
    kill: () => void child.kill('SIGKILL'),
    closed: async () => await gone(child),
  };
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await new Promise((resolve) => child.once('exit', resolve));
}
