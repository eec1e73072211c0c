import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { adviceFor, Interrupted, SetupError } from './advice.mjs';

const TAIL = 64 * 1024;
const FORCE_MS = 5_000;

/**
 * Runs a program to its end, its output to the log; resolves with the end of its output.
 *
 * @param {string[]} command
 * @param {{ what: string, missing: string, cwd: string, env?: object, log: string, signal: AbortSignal }} options
 *   `what` it brings and what to do where the program is `missing`, for the one line of a failure
 */
export async function run(command, options) {
  const result = await end(command, options);
  if (options.signal.aborted) throw new Interrupted();
  if (result.missing) throw new SetupError(options.missing);
  if (result.code !== 0) throw adviceFor(options.what, result, options.log);
  return result.output;
}

function end([program, ...args], { cwd, env, log, signal }) {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-TAIL);
      note(log, chunk);
    };
    note(log, `\n$ ${[program, ...args].join(' ')}\n`);
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // Its own process group: npm and pip have children, and Ctrl-C must end them all before we clean up.
    let force;
    const stop = () => {
      killGroup(child.pid, 'SIGTERM');
      force = setTimeout(() => killGroup(child.pid, 'SIGKILL'), FORCE_MS);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const done = (result) => {
      clearTimeout(force);
      signal.removeEventListener('abort', stop);
      resolve({ output, code: null, signal: null, missing: false, ...result });
    };
    child.once('error', (error) => {
      keep(`${error.code} ${error.message}\n`);
      done({ missing: error.code === 'ENOENT', code: 127 });
    });
    child.once('close', (code, ended) => done({ code, signal: ended }));
  });
}

function killGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

// A log on a full disk must not hide that the disk is full.
function note(log, text) {
  try {
    appendFileSync(log, text);
  } catch {
    return;
  }
}
