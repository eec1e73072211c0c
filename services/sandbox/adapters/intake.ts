import { DURABLES, type Bus } from '@assay/lib/bus';
import type { Kind, ScoreWork } from '@assay/lib/domain';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import type { GenerationDelivery } from '../ports.ts';

export interface Clocks {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

export interface GenerationIntake {
  readonly kind: Kind;
  /** Deliveries handed over at once, and batches side by side. */
  readonly batch: number;
  readonly lanes: number;
  readonly handle: (delivery: GenerationDelivery) => Promise<void>;
  readonly log: Log;
}

// Deliveries in hand are kept alive by the bus; those of a sandbox that died come to another after this.
const ACK_WAIT_MS = 10_000;

/** Hands the partition's generations of one kind to `handle` until `stop`, what is in hand included. */
export async function takeGenerations(
  bus: Bus,
  partition: string,
  { kind, batch, lanes, handle, log }: GenerationIntake,
  { stop, kill }: Clocks,
): Promise<void> {
  const ledger = bus.generations(partition);
  await ledger.consume(
    {
      durable: DURABLES.generations(kind, partition),
      filter: ledger.filter({ kind }),
      batch,
      lanes,
      inFlight: batch * lanes * 4,
      ackWaitMs: ACK_WAIT_MS,
      handle: async (deliveries) => {
        await Promise.all(deliveries.map(async (delivery) => await handle(delivery)));
      },
      log,
    },
    stop,
    kill,
  );
}

const ITEM_WAIT_MS = 5_000;
const ITEM_LANES = 4;

/** Hands the partition's `score` items to `handle`, a few side by side; one that fails comes again after `retryMs`. */
export async function takeScoreItems(
  bus: Bus,
  partition: string,
  handle: (item: ScoreWork) => Promise<void>,
  retryMs: (attempt: number) => number,
  log: Log,
  { stop }: Clocks,
): Promise<void> {
  const puller = await bus
    .work(partition)
    .score.take({ durable: DURABLES.scoreItems(partition), ackWaitMs: ACK_WAIT_MS });
  const step = async (signal: AbortSignal): Promise<number> => {
    const taken = await puller.next(ITEM_WAIT_MS, signal);
    if (taken === null) return 0;
    const beat = setInterval(() => taken.beat(), ACK_WAIT_MS / 3);
    try {
      await handle(taken.item);
      await taken.ack();
    } catch (error) {
      log.warn({ err: error, job: taken.item.job, task: taken.item.task }, 'a score item failed');
      taken.retry(retryMs(taken.attempt));
    } finally {
      clearInterval(beat);
    }
    return 0;
  };
  const lanes = Array.from(
    { length: ITEM_LANES },
    async () => await loop({ name: 'score items', step, log }, stop),
  );
  await Promise.all(lanes);
  await puller.close();
}
