import { availableParallelism } from 'node:os';
import { atMostOne, commonShape, loadConfig, settings, type Given } from '@assay/lib/config';
import type { Violation } from '@assay/lib/domain';

const MIB = 1024 * 1024;

const shape = {
  ...commonShape,
  /** The interpreter of the jail, 3.10 or later; by default the first on the PATH whose jail reaches tier 1. */
  PYTHON: settings.text.optional(),
  /** Where the jail's processes are started by a container of their own, whose interpreter it then is; otherwise here. */
  EXEC_SOCKET: settings.text.optional(),
  /** Executions side by side; 0 is one for each core. More make wall time-outs of honest programs. */
  SLOTS: settings.integer.default(0),
  /** Runs code although the jail does not reach tier 1 on this machine. Only where nothing else is worth protecting. */
  ALLOW_WEAK_JAIL: settings.flag.default(false),
  /** Executions that may wait for a slot over RPC before more are refused. */
  EXECUTE_QUEUE: settings.integer.default(64),
  /** Shards of documents that are kept in memory. */
  DOCS_CACHE_BYTES: settings.bytes.default(2 * MIB),
  /** `enforced`: no work is taken until it was tried that nothing forbidden can be reached. */
  WALLS: settings.walls.default('off'),
  /** What this pod must not reach, and a submission even less. */
  WALL_TARGETS: settings.addresses.optional(),
  /** Where the table of what was tried is written, as JSON. */
  WALLS_FILE: settings.text.optional(),
};

/** The sandbox's settings. Throws INVALID_REQUEST that names every wrong one. */
export function readConfig(env: NodeJS.ProcessEnv = process.env) {
  const read = loadConfig('sandbox', shape, env, (given) => [
    ...atMostOne('EXEC_SOCKET', 'PYTHON', given),
    ...(given.get('WALLS') === 'enforced' ? wallTargets(given) : []),
  ]);
  return { ...read, slots: read.SLOTS > 0 ? read.SLOTS : availableParallelism(), path: env['PATH'] ?? '' };
}

function wallTargets(given: Given): readonly Violation[] {
  if (given.has('WALL_TARGETS')) return [];
  return [{ field: 'ASSAY_WALL_TARGETS', message: 'is missing: walls are enforced by trying to pass them' }];
}
