import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, nanos } from 'nats';
import { AssayError, passing } from '../errors.ts';
import { ensureConsumer } from './api.ts';
import type { Link } from './link.ts';
import { token } from './subject.ts';

export interface WorkerConsumer {
  readonly durable: string;
  readonly ackWaitMs: number;
  readonly inFlight?: number;
}

/** Keeps a durable consumer in being: `restore` when it may be gone, or has never been. */
export class Upkeep {
  readonly #link: Link;
  readonly #from: { readonly stream: string; readonly filter: string };
  readonly #worker: WorkerConsumer;
  readonly #halt: AbortSignal;
  #restoring: Promise<void> | undefined;
  #restoredAt = -Infinity;

  constructor(
    link: Link,
    from: { readonly stream: string; readonly filter: string },
    worker: WorkerConsumer,
    halt: AbortSignal,
  ) {
    this.#link = link;
    this.#from = from;
    this.#worker = worker;
    this.#halt = halt;
  }

  /**
   * Resolves when the consumer is there, or `halt` aborts. Rejects for what is permanent, and when the bus is closed.
   * One that is called again and again soon after it was done takes its time.
   */
  restore(): Promise<void> {
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoredAt = performance.now();
      this.#restoring = undefined;
    });
    return this.#restoring;
  }

  async #restore(): Promise<void> {
    if (performance.now() - this.#restoredAt < CALM_MS) await this.#pause(CALM_MS);
    for (let attempt = 1; !this.#halt.aborted; attempt += 1) {
      if (this.#link.closed) throw passing('BROKER_UNAVAILABLE', 'the bus is closed');
      try {
        await ensureConsumer(this.#link, this.#from.stream, this.#config());
        return;
      } catch (error) {
        const failure = AssayError.from(error);
        if (failure.permanent) throw failure;
        const durable = this.#worker.durable;
        this.#link.log.warn({ err: failure, durable, attempt }, 'the consumer is not there yet');
        await this.#pause(Math.min(2_000, 50 * 2 ** attempt));
      }
    }
  }

  // Without a delivery limit: after `max_deliver` JetStream would never deliver the message again.
  #config(): Parameters<typeof ensureConsumer>[2] {
    const name = token(this.#worker.durable);
    return {
      name,
      durable_name: name,
      filter_subject: this.#from.filter,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(this.#worker.ackWaitMs),
      deliver_policy: DeliverPolicy.All,
      max_deliver: -1,
      max_ack_pending: this.#worker.inFlight ?? -1,
      max_waiting: MAX_WAITING,
    };
  }

  async #pause(limitMs: number): Promise<void> {
    await sleep(Math.random() * limitMs, undefined, { signal: this.#halt }).catch(() => undefined);
  }
}

const CALM_MS = 1_000;
// Pull requests that may wait at one consumer: one for each idle worker of the cluster. It cannot be changed later.
const MAX_WAITING = 16_384;
