import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Named places at which a test can have the process killed, as by a power cut. */
export interface CrashPoints {
  at(name: string): void;
}

export const noCrashPoints: CrashPoints = { at: () => undefined };

/**
 * A test arms a point by making a file of its name in `folder`. The first process to arrive there removes the file and
 * kills itself with SIGKILL, so that each arming is one crash. Without a folder nothing is ever looked at.
 */
export function crashPoints(folder: string | undefined): CrashPoints {
  if (folder === undefined || folder === '') return noCrashPoints;
  return {
    at(name) {
      const file = path.join(folder, name);
      if (!existsSync(file)) return;
      rmSync(file, { force: true });
      process.kill(process.pid, 'SIGKILL');
    },
  };
}
