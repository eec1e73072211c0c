import type { Puller, Taken } from '@assay/lib/bus';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';

export interface Items<T> {
  readonly puller: Puller<T>;
  /** Must be idempotent. What it throws is logged, and the item comes again. */
  readonly handle: (item: T, signal: AbortSignal) => Promise<void>;
  /** Deliveries in hand, for whoever beats. */
  readonly inHand: Set<Taken<T>>;
  readonly log: Log;
}

const WAIT_MS = 5_000;
const RETRY_MS = 1_000;

/** One step of a loop over a work queue: takes an item, handles it, settles its delivery. */
export async function itemStep<T>(items: Items<T>, stop: AbortSignal): Promise<number> {
  const taken = await items.puller.next(WAIT_MS, stop);
  if (taken === null) return 0;
  if (stop.aborted) {
    taken.retry(0);
    return 0;
  }
  items.inHand.add(taken);
  try {
    await items.handle(taken.item, stop);
    await taken.ack();
  } catch (error) {
    if (!stop.aborted) items.log.warn({ err: AssayError.from(error), attempt: taken.attempt }, 'comes again');
    taken.retry(stop.aborted ? 0 : RETRY_MS);
  } finally {
    items.inHand.delete(taken);
  }
  return 0;
}
