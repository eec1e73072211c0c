import type { Blob } from '@assay/lib/blob';
import type { Clock } from '@assay/lib/clock';
import type { Generation, GenerationOutcome } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { CrashPoints } from '@assay/lib/faults';
import type { Log } from '@assay/lib/log';
import type { RunnerMetrics } from '../metrics.ts';
import type { Generations } from '../ports.ts';

export interface KeepOptions {
  readonly generations: Generations;
  readonly blob: Blob;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: RunnerMetrics;
  readonly crash: CrashPoints;
}

// The ledger's message limit is 256 KiB; the rest of a generation takes less than the difference.
const OUTCOME_BYTES = 250 * 1024;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Stores an answer, trying for as long as `signal` allows: it was paid for. False when it was given up. A permanent
 * refusal throws.
 */
export async function keep(
  generation: Generation & { readonly outcome: GenerationOutcome },
  options: KeepOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const startedMs = options.clock.monotonic();
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const outcome = await fitting(generation.outcome, options.blob);
      await options.generations.store({ ...generation, outcome });
      options.metrics.storeSeconds.observe((options.clock.monotonic() - startedMs) / 1_000);
      options.crash.at('runner.generation.stored');
      return true;
    } catch (error) {
      const fault = AssayError.from(error);
      if (fault.permanent) throw fault;
      options.metrics.storeFailures.inc({ reason: fault.reason });
      if (failures % 20 === 0) options.log.warn({ err: fault, failures }, 'a generation waits to be stored');
      const most = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** failures);
      await options.clock.sleep(options.random() * most, signal).catch(() => undefined);
    }
  }
  return false;
}

async function fitting(outcome: GenerationOutcome, blob: Blob): Promise<Generation['outcome']> {
  const size = outcome.ok && outcome.type === 'text' ? outcome.response.text.length : 0;
  // One UTF-16 unit is at most six bytes of JSON.
  if (size * 6 < OUTCOME_BYTES) return outcome;
  const bytes = Buffer.from(JSON.stringify(outcome));
  return bytes.byteLength <= OUTCOME_BYTES ? outcome : { blob: await blob.put(bytes) };
}
