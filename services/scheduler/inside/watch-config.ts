import { loadConfig, settings } from '@assay/lib/config';
import { TERMINATION_LOG } from './last-words.ts';

const shape = {
  /** Folder that must be complete before the model server may start; without it, nothing is waited for. */
  WATCH_WEIGHTS: settings.folder.optional(),
  /** Folder whose growth is measured; without it, none is. */
  WATCH_CACHE: settings.folder.optional(),
  HOST: settings.text.default('0.0.0.0'),
  PROGRESS_PORT: settings.port.default(8081),
  TERMINATION_LOG: settings.text.default(TERMINATION_LOG),
  ANNOUNCE_FILE: settings.text.optional(),
  LOG_LEVEL: settings.level.default('info'),
};

/** The settings of `watch.ts`; an empty one is none. Throws INVALID_REQUEST that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  return loadConfig('watch program', shape, given);
}
