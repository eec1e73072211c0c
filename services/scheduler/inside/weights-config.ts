import { loadConfig, settings } from '@assay/lib/config';
import type { Violation } from '@assay/lib/domain';
import { TERMINATION_LOG } from './last-words.ts';
import { isPlainPath } from './plain-path.ts';

const SECOND_MS = 1_000;

const shape = {
  /** Base URL of a hub with the routes of huggingface.co. */
  WEIGHTS_HUB: settings.httpUrl,
  WEIGHTS_REPO: settings.text.regex(/^\w[\w.-]*(?:\/\w[\w.-]*)?$/, 'must be a repository such as owner/name'),
  WEIGHTS_REVISION: settings.text.regex(/^\w[\w./-]*$/, 'must be a branch, tag or commit'),
  /** All that the hub lists, without it. */
  WEIGHTS_FILES: settings.list
    .refine((names) => names.every(isPlainPath), 'must be paths that stay in their folder')
    .default([]),
  /** Room that all files together take; 0: what the hub's list says. */
  WEIGHTS_BYTES: settings.bytes.default(0),
  WEIGHTS_FOLDER: settings.folder,
  /** How long passing faults may keep anything from coming. */
  WEIGHTS_PATIENCE: settings.duration.default(600 * SECOND_MS),
  /** How long the hub may say nothing while it is its turn. */
  WEIGHTS_SILENCE: settings.duration.default(30 * SECOND_MS),
  /** What another process began is taken over when it was not seen to live for so long. */
  WEIGHTS_TAKE_OVER: settings.duration.default(10 * SECOND_MS),
  HOST: settings.text.default('0.0.0.0'),
  PROGRESS_PORT: settings.port.default(8081),
  TERMINATION_LOG: settings.text.default(TERMINATION_LOG),
  ANNOUNCE_FILE: settings.text.optional(),
  LOG_LEVEL: settings.level.default('info'),
};

/** The settings of `weights.ts`; an empty one is none. Throws INVALID_REQUEST that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const token = env['HUB_TOKEN']?.trim() ?? '';
  const together = (): readonly Violation[] =>
    /^[\u0021-\u007e]*$/.test(token)
      ? []
      : [{ field: 'HUB_TOKEN', message: 'must be one word of printable characters' }];
  return { ...loadConfig('weights program', shape, given, together), token: token === '' ? null : token };
}
