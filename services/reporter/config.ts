import { commonShape, loadConfig, settings } from '@assay/lib/config';

const shape = {
  ...commonShape,
  /** Folder of the embedded database; one reporter at a time can use it. */
  DATABASE_DIR: settings.folder,
  /** Folder in which each job's report appears as a folder of its own. */
  REPORTS_DIR: settings.folder,
  /** How long Finalize waits for scores that are still being stored before it asks to be called again. */
  FINALIZE_WAIT: settings.duration.default(5_000),
};

/** The reporter's settings. Throws INVALID_REQUEST that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv = process.env) {
  return loadConfig('reporter', shape, env);
}
