import { spawn } from 'node:child_process';

const TAIL = 64 * 1024;

/** Runs a program in a folder; gives what it wrote to stdout. Throws what it said when it fails. */
export type Run = (command: readonly string[], cwd?: string) => Promise<string>;

/** `signal` ends what runs, and everything after it. */
export function runner(signal: AbortSignal, env: NodeJS.ProcessEnv): Run {
  return (command, cwd) => {
    const [program = '', ...args] = command;
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      let out = '';
      let said = '';
      // Its own process group: a Ctrl-C of the terminal is ours to pass on.
      const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      const stop = () => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      };
      signal.addEventListener('abort', stop, { once: true });
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        said = (said + chunk.toString()).slice(-TAIL);
      });
      child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-TAIL)));
      child.once('error', (error) => reject(new Error(`${program} does not start: ${error.message}`)));
      child.once('close', (code) => {
        signal.removeEventListener('abort', stop);
        if (signal.aborted) reject(new Error('interrupted'));
        else if (code === 0) resolve(out);
        else reject(new Error(`${program} ${args[0] ?? ''} failed:\n${said.trim()}`));
      });
    });
  };
}
