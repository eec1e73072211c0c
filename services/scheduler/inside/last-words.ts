import { writeFileSync } from 'node:fs';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';

export const TERMINATION_LOG = '/dev/termination-log';

/** A kubelet keeps 4096 bytes; a character may take six of them in JSON. */
const LONGEST = 600;
const EXIT = { failed: 1, permanent: 2 };

/** Logs why a program ends and leaves it as one line of JSON for whoever reads the pod's state; gives the exit code. */
export function lastWords(thrown: unknown, file: string, log: Log): number {
  const { reason, message, permanent } = AssayError.from(thrown);
  log.fatal({ err: thrown }, 'ends');
  try {
    writeFileSync(file, `${JSON.stringify({ reason, message: message.slice(0, LONGEST) })}\n`);
  } catch (error) {
    log.warn({ err: error, file }, 'no last words');
  }
  return permanent ? EXIT.permanent : EXIT.failed;
}

/** Reads a program's settings; when they are wrong, these are its last words. */
export function settingsOrLastWords<T>(
  env: NodeJS.ProcessEnv,
  read: (env: NodeJS.ProcessEnv) => T,
  log: Log,
  exit: (code: number) => never,
): T {
  try {
    return read(env);
  } catch (error) {
    const file = env['ASSAY_TERMINATION_LOG'] ?? TERMINATION_LOG;
    return exit(lastWords(error, file, log));
  }
}
