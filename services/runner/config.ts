import { commonShape, loadConfig, settings } from '@assay/lib/config';

/** Every setting of the runner, with its default; the environment is read here and nowhere else. */
export function readConfig(env: NodeJS.ProcessEnv) {
  return loadConfig(
    'runner',
    {
      ...commonShape,
      /** Holds endpoint keys, a file for each; shared with the scheduler only. Without it they are asked of the scheduler. */
      SECRETS_DIR: settings.folder.optional(),
      /** How long one try of a request to a model server may take. */
      REQUEST_TIMEOUT: settings.duration.default(600_000),
      /** Tries of one request that fail for a reason of its own; 429, 503 and outages do not count. */
      REQUEST_ATTEMPTS: settings.integer.default(5),
      /** How long a request is put off by 429 and 503 before it is given up. */
      RATE_LIMIT_PATIENCE: settings.duration.default(1_800_000),
      /** How long a model server may be away before its shards are given back to the queue. */
      OUTAGE: settings.duration.default(60_000),
      /** How long a server may fail to answer a check before that is the answer. */
      CHECK_PATIENCE: settings.duration.default(60_000),
      /** A larger answer is not kept. */
      RESPONSE_BYTES: settings.bytes.default(64 * 1024 * 1024),
      /** Blobs kept in memory; a shard is read once, the files of a bundle a few times. */
      BLOB_CACHE: settings.bytes.default(4 * 1024 * 1024),
      /** The broker delivers a shard or a work item again when it has heard nothing of it for this long. */
      ACK_WAIT: settings.duration.default(15_000),
    },
    env,
  );
}
