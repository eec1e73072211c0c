import { AssayError } from '@assay/lib/errors';
import type { Jail } from '@assay/lib/python';
import type { SandboxMetrics } from '../metrics.ts';
import type { Executor } from '../ports.ts';

/** The jail, with every execution counted. */
export function jailExecutor(jail: Jail, metrics: SandboxMetrics): Executor {
  return {
    async run(submission, signal) {
      try {
        const execution = await jail.run(submission, signal);
        metrics.executed(execution);
        return execution;
      } catch (error) {
        if (AssayError.from(error).reason === 'SANDBOX_FAULT') metrics.executionFailed();
        throw error;
      }
    },
  };
}
