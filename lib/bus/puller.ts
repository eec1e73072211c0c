import { setTimeout as sleep } from 'node:timers/promises';
import { passing } from '../errors.ts';
import { deleteMessage } from './api.ts';
import type { Puller, TakeOptions, Taken } from './bus.ts';
import type { Source } from './consume.ts';
import { Upkeep } from './consumer.ts';
import type { Link } from './link.ts';
import { Pull } from './pull.ts';
import { settle, type Pulled } from './pulled.ts';
import { token } from './subject.ts';

/** Takes items one by one; `next` may be called side by side. Nothing is fetched before somebody waits for it. */
export async function openPuller<T>(link: Link, source: Source<T>, options: TakeOptions): Promise<Puller<T>> {
  const puller = new QueuePuller(link, source, options);
  await puller.open();
  return puller;
}

type Waiter = (message: Pulled | null) => void;

class QueuePuller<T> implements Puller<T> {
  readonly #link: Link;
  readonly #source: Source<T>;
  readonly #upkeep: Upkeep;
  readonly #closing = new AbortController();
  readonly #pull: Pull;
  readonly #waiters = new Set<Waiter>();
  #gone = true;

  constructor(link: Link, source: Source<T>, options: TakeOptions) {
    this.#link = link;
    this.#source = source;
    this.#upkeep = new Upkeep(link, source, options, this.#closing.signal);
    this.#pull = new Pull(link, {
      stream: source.stream,
      consumer: token(options.durable),
      message: (message) => this.#hand(message),
      ended: (why) => this.#ended(why),
    });
  }

  async open(): Promise<void> {
    await this.#upkeep.restore();
    this.#gone = false;
  }

  async next(waitMs: number, signal: AbortSignal): Promise<Taken<T> | null> {
    const until = performance.now() + waitMs;
    let leftMs = Math.max(MIN_WAIT_MS, waitMs);
    for (; leftMs >= MIN_WAIT_MS && !signal.aborted; leftMs = until - performance.now()) {
      if (this.#link.closed) throw passing('BROKER_UNAVAILABLE', 'the bus is closed');
      if (this.#gone) await either(this.open(), leftMs, signal);
      const message = this.#gone ? null : await this.#one(leftMs, signal);
      if (message === null) continue;
      const item = this.#source.decode(message.data);
      if (item !== null) return this.#taken(item, message);
      const { subject, sequence } = message;
      this.#link.log.error({ subject, sequence }, 'a work item cannot be read and is dropped');
      settle.terminate(this.#link, message, 'cannot be read');
    }
    return null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const waiter of this.#waiters) waiter(null);
    await this.#pull.close();
  }

  #one(waitMs: number, signal: AbortSignal): Promise<Pulled | null> {
    return new Promise((resolve) => {
      const end = (message: Pulled | null) => {
        clearTimeout(late);
        signal.removeEventListener('abort', abort);
        this.#waiters.delete(end);
        resolve(message);
      };
      const abort = () => end(null);
      const late = setTimeout(abort, waitMs + ANSWER_MS);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(end);
      if (this.#pull.asked < this.#waiters.size) this.#pull.request({ count: 1, waitMs });
    });
  }

  #hand(message: Pulled): void {
    const [waiter] = this.#waiters;
    if (waiter === undefined) settle.retry(this.#link, message, 0);
    else waiter(message);
  }

  // A request that ended leaves one waiter too many; which one does not matter, `next` asks again while it has time.
  #ended(why: 'none' | 'over' | 'gone'): void {
    if (why === 'gone') this.#gone = true;
    const many = why === 'gone' ? this.#waiters.size : this.#waiters.size - this.#pull.asked;
    for (const waiter of [...this.#waiters].slice(0, Math.max(0, many))) waiter(null);
  }

  #taken(item: T, message: Pulled): Taken<T> {
    return {
      item,
      attempt: message.attempt,
      beat: () => settle.working(this.#link, message),
      ack: () => this.#acknowledge(message),
      retry: (delayMs) => settle.retry(this.#link, message, delayMs),
      drop: () => settle.terminate(this.#link, message, 'dropped'),
    };
  }

  // A broker that was killed may have forgotten the delivery, and then says nothing: the item is removed by itself.
  async #acknowledge(message: Pulled): Promise<void> {
    try {
      await this.#link.ask(message.reply, Buffer.from('+ACK'), ACK);
    } catch {
      await deleteMessage(this.#link, this.#source.stream, message.sequence);
    }
  }
}

const MIN_WAIT_MS = 10;
/** How much later than asked for the broker may say that nothing came. */
const ANSWER_MS = 2_000;
const ACK = { timeoutMs: 1_500, budgetMs: 3_000, doing: 'acknowledge' };

/** Settles with the promise, or resolves when the time is over or the signal aborts. */
async function either(promise: Promise<void>, limitMs: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: AbortSignal.any([signal, over.signal]) });
  try {
    await Promise.race([promise, limit.catch(() => undefined)]);
  } finally {
    over.abort();
  }
}
