import { isTerminal, type JobId, type JobRecord } from '@assay/lib/domain';
import type { Clock } from '@assay/lib/clock';
import type { Jobs, Progress } from './ports.ts';

const QUIET_MS = 200;
/** What workers do is shown too, and nothing tells when that changes. */
const AT_LEAST_EVERY_MS = 2_000;

/**
 * The job now, and again whenever it or its progress changes, until it is over. Changes that come while the reader
 * is busy are one: the latest wins, so a slow reader holds nothing up and fills no memory.
 */
export async function* watch(
  ports: { readonly jobs: Jobs; readonly progress: Progress; readonly clock: Clock },
  id: JobId,
  signal: AbortSignal,
): AsyncGenerator<JobRecord> {
  let changed = true;
  let wake: AbortController | null = null;
  const note = (changedId: JobId) => {
    if (changedId !== id) return;
    changed = true;
    wake?.abort();
  };
  const unsubscribe = [ports.jobs.onChange(note), ports.progress.onChange(note)];
  try {
    while (!signal.aborted) {
      const job = ports.jobs.get(id);
      if (job === undefined) return;
      changed = false;
      yield job;
      if (isTerminal(job.state)) return;
      await ports.clock.sleep(QUIET_MS, signal).catch(() => undefined);
      wake = new AbortController();
      if (!changed)
        await ports.clock
          .sleep(AT_LEAST_EVERY_MS, AbortSignal.any([signal, wake.signal]))
          .catch(() => undefined);
    }
  } finally {
    for (const stop of unsubscribe) stop();
  }
}
