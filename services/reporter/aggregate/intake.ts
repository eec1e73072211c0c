import { AssayError } from '@assay/lib/errors';
import type { ScoreDelivery } from '../ports.ts';
import { aggregate, type AggregateOptions } from './aggregate.ts';

/** A delivery with what the broker says of it. */
export interface LedgerDelivery extends ScoreDelivery {
  /** Entries that wait behind it. */
  readonly pending: number;
  /** When the ledger stored it, epoch milliseconds. */
  readonly storedMs: number;
}

export interface IntakeOptions extends AggregateOptions {
  /** Told after each batch: how old its last score is, and how many wait. */
  readonly lag: (partition: string, seconds: number, pending: number) => void;
}

/** Folds batches and remembers whether the last one could be. */
export class Intake {
  readonly #options: IntakeOptions;
  #problem: string | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Why the last batch could not be folded; null when it could. */
  get problem(): string | null {
    return this.#problem;
  }

  async handle(partition: string, deliveries: readonly LedgerDelivery[]): Promise<void> {
    try {
      await aggregate(this.#options, deliveries);
      this.#problem = null;
    } catch (error) {
      this.#problem = AssayError.from(error).message;
      throw error;
    }
    const last = deliveries.at(-1);
    if (last === undefined) return;
    this.#options.lag(partition, (this.#options.clock.now() - last.storedMs) / 1000, last.pending);
  }
}
