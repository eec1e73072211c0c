import type { Consume, Delivery } from './bus.ts';
import { Upkeep } from './consumer.ts';
import type { Link } from './link.ts';
import { Pull } from './pull.ts';
import { settle, type Pulled } from './pulled.ts';
import { token } from './subject.ts';

export interface Source<T> {
  readonly stream: string;
  readonly filter: string;
  /** Null for what is not an entry: it is logged and never delivered again. */
  readonly decode: (bytes: Uint8Array) => T | null;
}

/** See `Ledger.consume`. Rejects when a permanent error or the end of the connection makes going on senseless. */
export async function consume<T>(
  link: Link,
  source: Source<T>,
  options: Consume<T>,
  stop: AbortSignal,
  kill: AbortSignal,
): Promise<void> {
  const broken = new AbortController();
  const halt = AbortSignal.any([stop, kill, broken.signal]);
  const intake = new Intake(link, source, options, halt, (error) => broken.abort(error));
  try {
    await intake.run(kill);
  } finally {
    await intake.close();
  }
  if (broken.signal.aborted && !stop.aborted && !kill.aborted) throw broken.signal.reason;
}

/** A delivered message until it is settled. */
interface Held<T> extends Delivery<T> {
  readonly message: Pulled;
  beatAt: number;
}

class Intake<T> {
  readonly #link: Link;
  readonly #source: Source<T>;
  readonly #options: Consume<T>;
  readonly #halt: AbortSignal;
  readonly #fail: (error: unknown) => void;
  readonly #upkeep: Upkeep;
  readonly #pull: Pull;
  readonly #waiting: Held<T>[] = [];
  readonly #held = new Set<Held<T>>();
  readonly #beat: NodeJS.Timeout;
  readonly #lanes: number;
  #idle: ((batch: Held<T>[]) => void)[] = [];
  #linger: NodeJS.Timeout | undefined;
  #ready = false;
  #closed = false;

  constructor(
    link: Link,
    source: Source<T>,
    options: Consume<T>,
    halt: AbortSignal,
    fail: (error: unknown) => void,
  ) {
    this.#link = link;
    this.#source = source;
    this.#options = options;
    this.#halt = halt;
    this.#fail = fail;
    this.#lanes = options.lanes ?? 1;
    this.#upkeep = new Upkeep(link, source, options, halt);
    this.#pull = new Pull(link, {
      stream: source.stream,
      consumer: token(options.durable),
      message: (message) => this.#receive(message),
      ended: (why) => (why === 'gone' ? void this.#restore() : this.#refill()),
    });
    this.#beat = setInterval(() => this.#beatHeld(), options.ackWaitMs / 6);
  }

  /** Until `halt` and all that is in hand is settled, or `kill`. */
  async run(kill: AbortSignal): Promise<void> {
    if (this.#halt.aborted) return;
    const halted = () => void this.#release();
    this.#halt.addEventListener('abort', halted, { once: true });
    void this.#restore();
    const lanes = Promise.all(Array.from({ length: this.#lanes }, () => this.#lane(kill)));
    await Promise.race([lanes, aborted(kill)]);
    this.#halt.removeEventListener('abort', halted);
  }

  async close(): Promise<void> {
    await this.#release();
    clearInterval(this.#beat);
    for (const held of this.#held) held.retry(0);
  }

  async #lane(kill: AbortSignal): Promise<void> {
    while (!this.#halt.aborted) {
      const batch = await new Promise<Held<T>[]>((take) => {
        this.#idle.push(take);
        this.#dispatch();
        this.#refill();
      });
      if (batch.length > 0) await this.#handle(batch, kill);
    }
  }

  async #handle(batch: Held<T>[], kill: AbortSignal): Promise<void> {
    const { handle, log, durable } = this.#options;
    try {
      await handle(batch, kill);
    } catch (error) {
      log.warn({ err: error, durable, size: batch.length }, 'a batch failed and comes again');
    }
    for (const held of batch) {
      if (this.#held.has(held)) held.retry(retryMs(held.attempt));
    }
  }

  #receive(message: Pulled): void {
    const entry = this.#source.decode(message.data);
    if (entry === null) {
      const { subject, sequence } = message;
      this.#options.log.error({ subject, sequence }, 'an entry cannot be read and is dropped');
      settle.terminate(this.#link, message, 'cannot be read');
      this.#refill();
      return;
    }
    if (this.#closed) return settle.retry(this.#link, message, 0);
    const held = this.#hold(message, entry);
    this.#waiting.push(held);
    if (this.#waiting.length >= this.#options.batch) this.#dispatch();
    else this.#linger ??= setTimeout(() => this.#dispatch(), this.#options.lingerMs ?? LINGER_MS);
  }

  #hold(message: Pulled, entry: T): Held<T> {
    const settled = (say: () => void) => {
      if (this.#held.delete(held)) say();
    };
    const held: Held<T> = {
      entry,
      message,
      subject: message.subject,
      sequence: message.sequence,
      attempt: message.attempt,
      pending: message.pending,
      storedMs: message.storedMs,
      beatAt: performance.now(),
      ack: () => settled(() => settle.ack(this.#link, message)),
      retry: (delayMs) => settled(() => settle.retry(this.#link, message, delayMs)),
    };
    this.#held.add(held);
    return held;
  }

  #dispatch(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    while (this.#idle.length > 0 && (this.#waiting.length > 0 || this.#halt.aborted)) {
      this.#idle.shift()?.(this.#waiting.splice(0, this.#options.batch));
    }
  }

  // Asks for no more than the idle lanes can take at once, so that nothing grows old in a buffer.
  #refill(): void {
    if (!this.#ready || this.#halt.aborted) return;
    const room = this.#idle.length * this.#options.batch - this.#waiting.length - this.#pull.asked;
    if (room > 0) this.#pull.request({ count: room, waitMs: PULL_MS });
  }

  async #restore(): Promise<void> {
    this.#ready = false;
    try {
      await this.#upkeep.restore();
    } catch (error) {
      this.#fail(error);
    }
    this.#ready = true;
    this.#refill();
  }

  #beatHeld(): void {
    const now = performance.now();
    for (const held of this.#held) {
      if (now - held.beatAt < this.#options.ackWaitMs / 3) continue;
      held.beatAt = now;
      settle.working(this.#link, held.message);
    }
  }

  async #release(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const held of this.#waiting.splice(0)) held.retry(0);
    this.#dispatch();
    await this.#pull.close();
  }
}

const PULL_MS = 30_000;
const LINGER_MS = 5;

function retryMs(attempt: number): number {
  return Math.min(30_000, 500 * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random() / 2);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
