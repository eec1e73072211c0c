// Runs the e2e tests on the cluster of KUBECONFIG or one of this machine, which is taken down again if this run began it.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { bringUp, takeDown } from './bring-up.ts';
import { command } from './command.ts';
import { givenKubeconfig } from './given.ts';
import { whyNoClusterHere } from './machine.ts';

const VITEST = path.join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');

await command(async (signal) => {
  const canBring = givenKubeconfig() === null && whyNoClusterHere() === null;
  const started = canBring && (await bringUp(signal)).started;
  try {
    return await vitest(signal);
  } finally {
    if (started) await takeDown(new AbortController().signal);
  }
});

function vitest(signal: AbortSignal): Promise<number> {
  const child = spawn(process.execPath, [VITEST, 'run', '--project', 'e2e', ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
