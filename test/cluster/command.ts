import { Interrupted } from '../../scripts/setup/advice.mjs';

/** None can run on this machine, which is no failure. */
export const NONE_HERE = 3;

/** Runs a command of the cluster to its exit code: what went wrong is one line, and Ctrl-C is passed on as a signal. */
export async function command(work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());
  try {
    process.exitCode = await work(stop.signal);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = error instanceof Interrupted ? 130 : 1;
  }
}
