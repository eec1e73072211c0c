import type { Score, ScoreOutcome } from '@assay/lib/domain';
import { isBlobRef } from '@assay/lib/domain';
import { ALL_REPEATS, type ScoreRow } from '../ports.ts';

/**
 * A score as a row. `outcome` is the score's own or what its blob holds. A score that cannot be read (its metrics
 * are not numbers, for instance) becomes unscored with INTERNAL, so that its job still ends, with less coverage.
 * Null when not even its identity can be read.
 */
export function rowOf(score: Score, outcome: unknown): ScoreRow | null {
  if (!hasIdentity(score)) return null;
  const read = readOutcome(outcome);
  return {
    job: score.job,
    epoch: score.epoch,
    task: score.task,
    doc: score.doc,
    repeat: score.repeat === 'all' ? ALL_REPEATS : score.repeat,
    metrics: read.status === 'scored' ? read.metrics : {},
    ...(read.status === 'unscored' && { fault: { reason: read.fault.reason, detail: read.fault.detail } }),
    outcome: 'blob' in score.outcome && read === outcome ? score.outcome : read,
    requests: score.requests,
    docs: score.docs,
    index: score.index,
    promptTokens: count(score.promptTokens),
    completionTokens: count(score.completionTokens),
    truncatedTokens: count(score.truncatedTokens),
  };
}

/** Identity of a row within everything that is stored. */
export function rowKey(row: Pick<ScoreRow, 'job' | 'epoch' | 'task' | 'doc' | 'repeat'>): string {
  return JSON.stringify([row.job, row.epoch, row.task, row.doc, row.repeat]);
}

function hasIdentity(score: Score): boolean {
  return (
    typeof score === 'object' &&
    score !== null &&
    isName(score.job) &&
    isName(score.task) &&
    isIndex(score.epoch) &&
    isIndex(score.doc) &&
    (score.repeat === 'all' || isIndex(score.repeat)) &&
    isBlobRef(score.requests) &&
    isBlobRef(score.docs) &&
    isIndex(score.index) &&
    typeof score.outcome === 'object' &&
    score.outcome !== null
  );
}

function readOutcome(outcome: unknown): ScoreOutcome {
  if (isScored(outcome) || isUnscored(outcome)) return outcome;
  return {
    status: 'unscored',
    fault: { reason: 'INTERNAL', detail: 'the stored score cannot be read', attempts: 1 },
  };
}

function isScored(value: unknown): value is Extract<ScoreOutcome, { status: 'scored' }> {
  if (!isObject(value) || value['status'] !== 'scored') return false;
  const { metrics, filtered } = value;
  return isObject(metrics) && isObject(filtered) && Object.entries(metrics).every(isMetric);
}

function isMetric([key, value]: [string, unknown]): boolean {
  return isName(key) && Number.isFinite(value);
}

function isUnscored(value: unknown): value is Extract<ScoreOutcome, { status: 'unscored' }> {
  if (!isObject(value) || value['status'] !== 'unscored') return false;
  const { fault } = value;
  return (
    isObject(fault) &&
    /^[A-Z][A-Z0-9_]{0,63}$/.test(String(fault['reason'])) &&
    typeof fault['detail'] === 'string'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// The database's texts cannot hold NUL.
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0') && value.isWellFormed();
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff;
}

function count(value: unknown): number {
  return isIndex(value) ? value : 0;
}
