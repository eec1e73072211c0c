/** Twelve characters of `[a-z2-7]`: derived from tenant and `request_id`, so a submit that is repeated names the same job. */
export type JobId = string;

/** Content address of a blob: `sha256:` and 64 hexadecimal digits. */
export type BlobRef = `sha256:${string}`;

/** One question put to the model once. Its identity is its subject in both ledgers. */
export interface SampleId {
  readonly job: JobId;
  readonly task: string;
  /** Position of the document in the task's evaluation split, from 0. */
  readonly doc: number;
  /** Which of the K answers to the document this is, from 0. */
  readonly repeat: number;
}

/** Documents per bucket: the unit in which a ledger is listed and audited. */
export const BUCKET_DOCS = 10_000;

export function bucketOf(doc: number): number {
  return Math.floor(doc / BUCKET_DOCS);
}

export function isBlobRef(value: unknown): value is BlobRef {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
}

/**
 * The trace of everything that is done for a job, in every service: 32 hexadecimal digits as in W3C trace context,
 * written from the job's id, so that nobody has to carry it.
 */
export function traceOf(job: JobId): string {
  let trace = '';
  for (const character of job) trace += (character.codePointAt(0) ?? 0).toString(16).padStart(2, '0');
  return trace.padEnd(32, '0').slice(0, 32);
}
