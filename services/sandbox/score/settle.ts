import type { Generation } from '@assay/lib/domain';
import { AssayError, type Reason } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import type { GenerationDelivery, Jobs, Outcomes, Scores } from '../ports.ts';
import { faultOf, scoreEntry, unscored, type ScoreEntry } from './entry.ts';

/** How a delivery ended. `waits`: repeats of its document are missing. `dropped`: its job is finished. */
export type Settled = 'scored' | 'unscored' | 'exists' | 'waits' | 'dropped' | 'retried';

export interface Settle {
  readonly jobs: Jobs;
  readonly outcomes: Outcomes;
  readonly scores: Scores;
  readonly log: Log;
  /** Called between storing and acknowledging. */
  readonly stored: () => void;
}

/** What only waiting helps against: tried for ever. */
const OUTSIDE: readonly Reason[] = ['LEDGER_FULL', 'BLOB_STORE_FULL', 'BROKER_UNAVAILABLE', 'UNAVAILABLE'];
/** Deliveries after which everything else is given up: a blob that is late would be there, a fault is not passing. */
const MOST_ATTEMPTS = 5;

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/**
 * Makes the score of one delivery, stores it and acknowledges. What passes is delivered again later; what trying again
 * cannot help is stored as unscored: no delivery comes for ever.
 */
export async function settleDelivery(
  settle: Settle,
  delivery: GenerationDelivery,
  score: (generation: Generation) => Promise<ScoreEntry | null>,
): Promise<Settled> {
  const { entry, attempt } = delivery;
  try {
    return await storeAndAck(settle, delivery, async () => await score(entry));
  } catch (thrown) {
    const error = AssayError.from(thrown);
    const { job, task, doc, repeat } = entry;
    settle.log.warn({ err: error, job, task, doc, repeat, attempt }, 'a generation could not be scored');
    if (isFinal(error, attempt)) return await giveUp(settle, delivery, error);
    delivery.retry(error.reason === 'UNAVAILABLE' ? 0 : backoffMs(attempt));
    return 'retried';
  }
}

function isFinal({ reason, permanent }: AssayError, attempt: number): boolean {
  if (OUTSIDE.includes(reason)) return false;
  return attempt >= MOST_ATTEMPTS || (permanent && reason !== 'BLOB_MISSING');
}

async function giveUp(settle: Settle, delivery: GenerationDelivery, error: AssayError): Promise<Settled> {
  const { entry, attempt } = delivery;
  const repeat = entry.kind === 'score' ? 'all' : entry.repeat;
  const outcome = unscored(faultOf(error, attempt));
  try {
    return await storeAndAck(settle, delivery, async () => scoreEntry([entry], repeat, 0, null, outcome));
  } catch {
    delivery.retry(backoffMs(attempt));
    return 'retried';
  }
}

async function storeAndAck(
  settle: Settle,
  delivery: GenerationDelivery,
  score: () => Promise<ScoreEntry | null>,
): Promise<Settled> {
  const settled = await storeScore(settle, delivery.entry, score);
  if (settled === 'scored' || settled === 'unscored') settle.stored();
  delivery.ack();
  return settled;
}

/** Stores what `score` makes, unless the job is finished by then. */
export async function storeScore(
  { jobs, outcomes, scores }: Pick<Settle, 'jobs' | 'outcomes' | 'scores'>,
  { job }: { readonly job: string },
  score: () => Promise<ScoreEntry | null>,
): Promise<Exclude<Settled, 'retried'>> {
  if (jobs.isFinished(job)) return 'dropped';
  const entry = await score();
  if (entry === null) return 'waits';
  const outcome = await outcomes.pack(entry.outcome);
  if (jobs.isFinished(job)) return 'dropped';
  if ((await scores.store({ ...entry, outcome })) === 'exists') return 'exists';
  return entry.outcome.status;
}

export function backoffMs(attempt: number, random = Math.random): number {
  const most = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 10));
  return most * (0.5 + random() / 2);
}
