import type { BlobRef, Score } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';
import type { Blobs, FoldCounts, Results, ScoreDelivery, ScoreRow } from '../ports.ts';
import { rowOf } from './rows.ts';

export interface AggregateOptions {
  readonly results: Pick<Results, 'fold'>;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly log: Log;
  /** Told after each commit. */
  readonly folded: (counts: FoldCounts & { readonly unreadable: number }, seconds: number) => void;
  /** A crash point: the batch is committed and not acknowledged. */
  readonly committed: () => void;
}

/**
 * Stores a batch of scores and adds them to the live totals, then acknowledges them; a batch that comes again changes
 * nothing. Rejects, with nothing acknowledged, when the database or the blob store does not answer.
 */
export async function aggregate(
  options: AggregateOptions,
  deliveries: readonly ScoreDelivery[],
): Promise<void> {
  const start = options.clock.monotonic();
  const read = await Promise.all(deliveries.map(({ entry }) => resolveRow(options, entry)));
  const rows = read.filter((row) => row !== null);
  const unreadable = read.length - rows.length;
  if (unreadable > 0) options.log.error({ unreadable }, 'scores without a readable identity are dropped');
  const counts = await options.results.fold(rows, options.clock.now());
  options.committed();
  for (const delivery of deliveries) delivery.ack();
  options.folded({ ...counts, unreadable }, (options.clock.monotonic() - start) / 1000);
}

async function resolveRow(options: AggregateOptions, score: Score): Promise<ScoreRow | null> {
  const outcome: unknown = score?.outcome;
  if (typeof outcome !== 'object' || outcome === null || !('blob' in outcome)) return rowOf(score, outcome);
  return rowOf(score, await readBlob(options.blobs, outcome.blob));
}

// A blob that is gone stays gone: what it held is unscored. Everything else passes.
async function readBlob(blobs: Blobs, ref: unknown): Promise<unknown> {
  try {
    const bytes = await blobs.get(ref as BlobRef);
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch (thrown) {
    const error = AssayError.from(thrown);
    if (error.reason !== 'BLOB_MISSING' && !(thrown instanceof SyntaxError)) throw error;
    const detail = `the score's details (${String(ref)}) cannot be read`;
    return { status: 'unscored', fault: { reason: 'BLOB_MISSING', detail, attempts: 1 } };
  }
}
