import { commonShape, loadConfig, settings } from '@assay/lib/config';

const shape = {
  ...commonShape,
  /** Addresses of both doors, host:port. */
  SCHEDULER: settings.text,
  REPORTER: settings.text,
  /** A file that holds the token to show instead of ASSAY_TOKEN. */
  TOKEN_FILE: settings.text.optional(),
  /** How long all of it may take. */
  TIMEOUT: settings.duration.default(60_000),
};

/** The settings of `chart-test.ts`. Throws INVALID_REQUEST that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv) {
  return loadConfig('chart test', shape, env);
}
