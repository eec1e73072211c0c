import { isBlobRef, type Violation } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { FinalizeRequest } from '@assay/proto/assay/v1/result';
import type { FinalRequest, RunCursor } from './ports.ts';

const MOST_PER_PAGE = 500;
const DEFAULT_PER_PAGE = 50;

/** The id of a job, safe as the name of a folder. Throws INVALID_REQUEST. */
export function readJobId(jobId: string): string {
  refuse(jobIdProblems(jobId));
  return jobId;
}

/** Page size and place of a listing. Throws INVALID_REQUEST naming every wrong field. */
export function readPage(request: { pageSize: number; pageToken: string }): {
  readonly limit: number;
  readonly after: RunCursor | null;
} {
  const { pageSize, pageToken } = request;
  const after = pageToken === '' ? null : readToken(pageToken);
  refuse([
    ...problem(pageSize < 0 || pageSize > MOST_PER_PAGE, 'page_size', `must be from 0 to ${MOST_PER_PAGE}`),
    ...problem(after === undefined, 'page_token', 'is not one that this service gave'),
  ]);
  return { limit: pageSize === 0 ? DEFAULT_PER_PAGE : pageSize, after: after ?? null };
}

export function writeToken(cursor: RunCursor | null): string {
  return cursor === null
    ? ''
    : Buffer.from(JSON.stringify([cursor.createdAt, cursor.job])).toString('base64url');
}

/** What to stream. Throws INVALID_REQUEST naming every wrong field. */
export function readSamples(request: {
  jobId: string;
  task: string;
  failedOnly: boolean;
  unscoredOnly: boolean;
}): { readonly task: string; readonly failedOnly: boolean; readonly unscoredOnly: boolean } {
  const { task, failedOnly, unscoredOnly } = request;
  const both = failedOnly && unscoredOnly;
  refuse([
    ...jobIdProblems(request.jobId),
    ...problem(task.includes('\0'), 'task', 'must not contain NUL'),
    ...problem(both, 'failed_only', 'excludes unscored_only: what is unscored did not fail'),
    ...problem(both, 'unscored_only', 'excludes failed_only: what is unscored did not fail'),
  ]);
  return { task, failedOnly, unscoredOnly };
}

/** What the scheduler says about a finished job. Throws INVALID_REQUEST naming every wrong field. */
export function readFinalize(request: FinalizeRequest, partitions: readonly string[]): FinalRequest {
  const startMs = Date.parse(request.startTime ?? '');
  const endMs = Date.parse(request.endTime ?? '');
  const { plan } = request;
  refuse([
    ...jobIdProblems(request.jobId),
    ...problem(
      !partitions.includes(request.partition),
      'partition',
      `must be one of ${partitions.join(', ')}: this reporter folds no other`,
    ),
    ...problem(request.epoch < 0, 'epoch', 'must not be negative'),
    ...problem(!isBlobRef(plan), 'plan', 'must be sha256: and 64 hexadecimal digits'),
    ...request.counts.flatMap(({ task, samples, scores }, i) => [
      ...problem(task === '', `counts[${i}].task`, 'must not be empty'),
      ...problem(samples < 0n, `counts[${i}].samples`, 'must not be negative'),
      ...problem(scores < 0n, `counts[${i}].scores`, 'must not be negative'),
    ]),
    ...problem(request.counts.length === 0, 'counts', 'must name every task of the job'),
    ...problem(!Number.isFinite(startMs), 'start_time', 'must be a time'),
    ...problem(
      !Number.isFinite(endMs) || endMs < startMs,
      'end_time',
      'must be a time that is not before start_time',
    ),
  ]);
  if (!isBlobRef(plan)) throw new AssayError('INTERNAL', 'the plan was checked');
  return {
    job: request.jobId,
    partition: request.partition,
    epoch: request.epoch,
    plan,
    counts: request.counts.map(({ task, samples, scores }) => ({
      task,
      samples: Number(samples),
      scores: Number(scores),
    })),
    model: request.model.replaceAll('\0', ''),
    serverKind: request.serverKind,
    endpoint: request.endpoint,
    seed: Number(request.seed),
    startMs,
    endMs,
    provenance: request.provenance,
  };
}

function jobIdProblems(jobId: string): readonly Violation[] {
  return problem(
    !/^[a-z0-9][a-z0-9-]{0,63}$/.test(jobId),
    'job_id',
    'must be the id of a job, such as a2b3c4d5e6f7',
  );
}

function readToken(token: string): RunCursor | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (!Array.isArray(value)) return undefined;
    const [createdAt, job] = value as unknown[];
    return Number.isSafeInteger(createdAt) && typeof job === 'string'
      ? { createdAt: Number(createdAt), job: job.replaceAll('\0', '') }
      : undefined;
  } catch {
    return undefined;
  }
}

function problem(wrong: boolean, field: string, message: string): readonly Violation[] {
  return wrong ? [{ field, message }] : [];
}

function refuse(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const what = violations.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new AssayError('INVALID_REQUEST', what, { violations });
}
