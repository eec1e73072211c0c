import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Interrupted, SetupError } from './advice.mjs';
import { setUp } from './set-up.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Set-up for a launcher: a failure is told in its one line and ends the process. */
export async function setUpOrExit(options) {
  try {
    return await setUp(options);
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof Interrupted)) throw error;
    console.error(error.message);
    return process.exit(error instanceof Interrupted ? 130 : 1);
  }
}

/**
 * Runs the program that set-up was for, in our place: same terminal, our signals are its own. Resolves with the exit code
 * to end with.
 */
export function hand(command, env) {
  const child = spawn(command[0], command.slice(1), {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  // A terminal sends Ctrl-C to both of us: it decides what that means. What was sent to us alone is passed on.
  const wait = () => undefined;
  const pass = (signal) => child.kill(signal);
  process.on('SIGINT', wait);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  }).finally(() => {
    process.off('SIGINT', wait);
    process.off('SIGTERM', pass);
    process.off('SIGHUP', pass);
  });
}
