// `node services/scheduler/inside/weights.ts`: fetches a model's weights from a hub into a folder; runs in a pod of its own.
import { randomBytes } from 'node:crypto';
import { systemClock } from '@assay/lib/clock';
import { announce } from '@assay/lib/config';
import { createLog } from '@assay/lib/log';
import { createClaims } from './claims.ts';
import { WeightsFetch } from './fetch-weights.ts';
import { openHub } from './hub.ts';
import { lastWords, settingsOrLastWords } from './last-words.ts';
import { serveProgress } from './progress.ts';
import { readConfig } from './weights-config.ts';

const INTERRUPTED = 143;

const early = createLog({ service: 'weights', level: 'info' });
const config = settingsOrLastWords(process.env, readConfig, early, (code) => process.exit(code));
const log = createLog({ service: 'weights', level: config.LOG_LEVEL });
const clock = systemClock;
const id = randomBytes(8).toString('hex');
const fetching = new WeightsFetch({
  hub: openHub({
    base: config.WEIGHTS_HUB,
    repo: config.WEIGHTS_REPO,
    revision: config.WEIGHTS_REVISION,
    token: config.token,
    silenceMs: config.WEIGHTS_SILENCE,
  }),
  claims: createClaims({ id, silentMs: config.WEIGHTS_TAKE_OVER, clock }),
  repo: config.WEIGHTS_REPO,
  revision: config.WEIGHTS_REVISION,
  asked: config.WEIGHTS_FILES,
  folder: config.WEIGHTS_FOLDER,
  id,
  leastBytes: config.WEIGHTS_BYTES,
  patienceMs: config.WEIGHTS_PATIENCE,
  clock,
  log,
});

const end = (code: number): never => {
  fetching.release();
  process.exit(code);
};
const fail = (error: unknown) => end(lastWords(error, config.TERMINATION_LOG, log));
// As a container's first process it would not end by a signal of its own.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(INTERRUPTED));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  const progress = async () => fetching.progress();
  const { address } = await serveProgress({ host: config.HOST, port: config.PROGRESS_PORT, progress });
  const startedAt = new Date().toISOString();
  await announce(config.ANNOUNCE_FILE, { service: 'weights', pid: process.pid, startedAt, ops: address });
  await fetching.run();
  end(0);
} catch (error) {
  fail(error);
}
