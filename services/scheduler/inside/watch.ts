// `node services/scheduler/inside/watch.ts`: in the pod of a model server, holds it back until its weights are complete, and
// says how its cache grows.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '@assay/lib/clock';
import { announce } from '@assay/lib/config';
import { createLog } from '@assay/lib/log';
import { COMPLETE } from './complete.ts';
import { ifThere } from './errno.ts';
import { growthOf } from './growth.ts';
import { lastWords, settingsOrLastWords } from './last-words.ts';
import { serveProgress, type Progress } from './progress.ts';
import { readConfig } from './watch-config.ts';

const early = createLog({ service: 'watch', level: 'info' });
const config = settingsOrLastWords(process.env, readConfig, early, (code) => process.exit(code));
const log = createLog({ service: 'watch', level: config.LOG_LEVEL });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit());

const NOTHING = { bytes: 0, files: 0, lastGrowthMs: null, closed: 0 };
const grown = config.WATCH_CACHE === undefined ? null : growthOf(config.WATCH_CACHE, systemClock);

async function started(): Promise<string | null> {
  if (config.WATCH_WEIGHTS === undefined) return null;
  const file = path.join(config.WATCH_WEIGHTS, COMPLETE);
  return (await ifThere(stat(file))) === null
    ? `the weights in ${config.WATCH_WEIGHTS} are not complete`
    : null;
}

async function progress(): Promise<Progress> {
  const { bytes, files, lastGrowthMs, closed } = (await grown?.()) ?? NOTHING;
  const unseen = closed === 0 ? [] : [`${closed} folders of the cache may not be read`];
  return {
    bytes,
    totalBytes: null,
    files,
    lastGrowth: lastGrowthMs === null ? null : new Date(lastGrowthMs).toISOString(),
    detail: [(await started()) ?? 'nothing is waited for', ...unseen].join('; '),
  };
}

try {
  await grown?.(); // what an earlier start left is no growth
  const { address } = await serveProgress({
    host: config.HOST,
    port: config.PROGRESS_PORT,
    progress,
    started,
  });
  const startedAt = new Date().toISOString();
  await announce(config.ANNOUNCE_FILE, { service: 'watch', pid: process.pid, startedAt, ops: address });
} catch (error) {
  process.exit(lastWords(error, config.TERMINATION_LOG, log));
}
