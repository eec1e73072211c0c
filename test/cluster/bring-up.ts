import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Interrupted } from '../../scripts/setup/advice.mjs';
import { takeLock } from '../../scripts/setup/lock.mjs';
import { runningCluster, type ClusterRecord } from './record.ts';

const CHECKOUT = path.join(import.meta.dirname, '../..');
const LOCK = '/run/assay-cluster.lock';
const FORCE_MS = 10_000;

export interface BroughtUp {
  readonly cluster: ClusterRecord;
  /** Whether it was us: a cluster that was there already is not ours to take down. */
  readonly started: boolean;
}

/** Brings the cluster of this machine up, step by step, each with its time; what is there costs next to nothing. */
export function bringUp(signal: AbortSignal): Promise<BroughtUp> {
  return alone(signal, async () => {
    const before = othersCluster() ?? runningCluster();
    await timed('packages', () => script('packages.sh', signal));
    await timed('build', () => script('build.sh', signal));
    try {
      await timed('boot', () => script('boot.sh', signal));
    } catch (error) {
      if (runningCluster() === null) await script('halt.sh'); // its logs are kept
      throw error;
    }
    const cluster = runningCluster();
    if (cluster === null) throw new Error('The cluster ended as soon as it was up.');
    return { cluster, started: before?.nodes[0]?.init.pid !== cluster.nodes[0]?.init.pid };
  });
}

/** Takes the cluster of this machine down, with all that it has there. */
export function takeDown(signal: AbortSignal): Promise<void> {
  return alone(signal, async () => {
    othersCluster();
    await timed('down', () => script('halt.sh'));
  });
}

/** One of us at a time, over all checkouts. */
async function alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(LOCK, {
    say: (line) => console.log(line),
    signal,
    about: { checkout: CHECKOUT },
    waiting: ({ pid, checkout }) =>
      `The cluster of this machine is being brought up or down from ${checkout ?? 'elsewhere'} (process ${pid}): waiting for it.`,
  });
  try {
    return await work();
  } finally {
    release();
  }
}

// A checkout that was deleted cannot take its cluster down any more.
function othersCluster(): null {
  const cluster = runningCluster();
  if (cluster === null || cluster.checkout === CHECKOUT || !existsSync(cluster.checkout)) return null;
  throw new Error(
    `The cluster of this machine belongs to ${cluster.checkout} (process ${cluster.nodes[0]?.init.pid}): ` +
      `use it with KUBECONFIG=${cluster.kubeconfig}, or run \`npm run cluster:down\` there.`,
  );
}

async function timed(step: string, work: () => Promise<void>): Promise<void> {
  const from = performance.now();
  await work();
  console.log(`${step} … done (${((performance.now() - from) / 1_000).toFixed(1)} s)`);
}

/** Runs one of our scripts in a process group of its own, which the signal ends as a whole. */
function script(name: string, signal?: AbortSignal): Promise<void> {
  const child = spawn(
    'nice',
    ['-n', name === 'build.sh' ? '19' : '0', 'bash', path.join(import.meta.dirname, name)],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    },
  );
  let force: NodeJS.Timeout | undefined;
  const stop = () => {
    endGroup(child.pid, 'SIGTERM');
    force = setTimeout(() => endGroup(child.pid, 'SIGKILL'), FORCE_MS);
  };
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  return new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (signal?.aborted === true) reject(new Interrupted());
      else if (code === 0) resolve();
      else reject(new Error(`${name} failed.`));
    });
  }).finally(() => {
    clearTimeout(force);
    signal?.removeEventListener('abort', stop);
  });
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
