import { setTimeout as sleep } from 'node:timers/promises';
import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import type { Log } from '../log.ts';
import { forbidden, toAssayError } from './broker-error.ts';

export interface Ask {
  readonly headers?: MsgHdrs;
  /** How long one try waits for its answer. */
  readonly timeoutMs: number;
  /** How long all tries together may take. */
  readonly budgetMs: number;
  /** For the error: what was tried. */
  readonly doing: string;
}

/**
 * The connection with questions and answers over it. A question whose answer was lost, because the connection broke
 * or nobody answered in time, is asked again: ask only what is harmless to repeat.
 */
export class Link {
  readonly nc: NatsConnection;
  readonly log: Log;
  #up = true;
  #closing = false;
  #closed = false;
  #asking = 0;
  readonly #inboxPrefix: string | undefined;
  readonly #inbox: string;
  readonly #waiting = new Map<string, Waiting>();
  readonly #outbox: Outgoing[] = [];
  readonly #drops = new Set<() => void>();
  readonly #ups = new Set<() => void>();
  readonly #sweep: NodeJS.Timeout;
  #count = 0;

  /** Answers arrive below `inboxPrefix`; the broker may let this user listen there alone. */
  constructor(nc: NatsConnection, log: Log, inboxPrefix?: string) {
    this.nc = nc;
    this.log = log;
    this.#inboxPrefix = inboxPrefix;
    this.#inbox = this.newInbox();
    nc.subscribe(`${this.#inbox}.*`, { callback: (error, message) => this.#answer(error, message) });
    this.#sweep = setInterval(() => this.#giveUpLate(), SWEEP_MS);
    this.#sweep.unref();
    void this.#follow();
  }

  get up(): boolean {
    return this.#up && !this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  newInbox(): string {
    return createInbox(this.#inboxPrefix);
  }

  /** Calls `fn` whenever the connection is lost, and when it is closed; gives what takes that back. */
  onDrop(fn: () => void): () => void {
    this.#drops.add(fn);
    return () => void this.#drops.delete(fn);
  }

  /** Resolves when the connection stands, or is closed for good, or after `limitMs`. */
  async whenUp(limitMs: number): Promise<void> {
    if (this.#up || this.#closed) return;
    await new Promise<void>((done) => {
      const end = () => {
        this.#ups.delete(end);
        clearTimeout(late);
        done();
      };
      const late = setTimeout(end, limitMs);
      this.#ups.add(end);
    });
  }

  /**
   * The answer. Throws BROKER_UNAVAILABLE (passing) when none came within the budget, UNAUTHENTICATED (permanent) when
   * the broker does not let this user ask.
   */
  async ask(subject: string, data: Uint8Array, options: Ask): Promise<Msg> {
    if (this.#closing) throw toAssayError(new Error('the bus is closed'), options.doing);
    this.#asking += 1;
    try {
      return await this.#askUntil(performance.now() + options.budgetMs, subject, data, options);
    } finally {
      this.#asking -= 1;
    }
  }

  /** Says something that nobody answers; it may be lost. */
  tell(subject: string, data: string): void {
    this.#post({ send: () => this.nc.publish(subject, data), refuse: () => undefined });
  }

  /** Waits for the answers to what was asked, flushes what was published, closes. */
  async close(): Promise<void> {
    const until = performance.now() + CLOSE_MS;
    this.#closing = true;
    while (this.#asking > 0 && this.up && performance.now() < until) await sleep(10);
    this.#send();
    if (this.up) await Promise.race([this.nc.drain(), sleep(CLOSE_MS, undefined, { ref: false })]);
    await this.nc.close();
    this.#end();
  }

  async #askUntil(until: number, subject: string, data: Uint8Array, options: Ask): Promise<Msg> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.whenUp(until - performance.now());
        const left = Math.max(1, until - performance.now());
        return await this.#once(subject, data, Math.min(options.timeoutMs, left), options.headers);
      } catch (error) {
        const failure = toAssayError(error, options.doing);
        const pauseMs = Math.random() * Math.min(1_000, 25 * 2 ** attempt);
        if (failure.permanent || this.#closed || performance.now() + pauseMs >= until) throw failure;
        await sleep(pauseMs);
      }
    }
  }

  #once(subject: string, data: Uint8Array, timeoutMs: number, headers?: MsgHdrs): Promise<Msg> {
    if (!this.up) return Promise.reject(new Error('there is no connection to the broker'));
    return new Promise((resolve, reject) => {
      const id = (this.#count += 1).toString(36);
      const publish = { reply: `${this.#inbox}.${id}`, ...(headers && { headers }) };
      this.#waiting.set(id, { subject, resolve, reject, until: performance.now() + timeoutMs });
      // What the client refuses at once, such as a message over the broker's limit, is the answer.
      const refuse = (error: Error) => (this.#waiting.delete(id), reject(error));
      this.#post({ send: () => this.nc.publish(subject, data, publish), refuse });
    });
  }

  #post(message: Outgoing): void {
    this.#outbox.push(message);
    if (this.#outbox.length === 1) setImmediate(() => this.#send());
  }

  // What one turn of the event loop asks goes out in one write: the client itself writes once for each microtask queue,
  // and a write costs more than all else that is done for a question.
  #send(): void {
    const outbox = this.#outbox.splice(0);
    // A question that cannot be sent is answered by whoever ended the connection, or gets no answer in time.
    if (!this.#up || this.nc.isClosed() || this.nc.isDraining()) return;
    for (const { send, refuse } of outbox) {
      try {
        send();
      } catch (error) {
        refuse(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  // Must not throw: the client's reader would end.
  #answer(error: Error | null, message: Msg): void {
    if (error !== null) {
      this.log.error({ err: error }, 'the broker refuses the inbox');
      return;
    }
    const id = message.subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (message.data.length === 0 && message.headers?.code === 503) {
      waiting.reject(new Error('nobody at the broker answers'));
    } else {
      waiting.resolve(message);
    }
  }

  #giveUpLate(): void {
    const now = performance.now();
    for (const [id, waiting] of this.#waiting) {
      if (waiting.until > now) continue;
      this.#waiting.delete(id);
      waiting.reject(new Error('the broker did not answer in time'));
    }
  }

  async #follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      const detail = { status: status.type, data: status.data };
      if (status.type === 'disconnect') {
        this.log.warn(detail, 'the connection to the broker is lost');
        this.#drop();
      } else if (status.type === 'reconnect') {
        this.log.info(detail, 'connected to the broker again');
        this.#up = true;
        for (const up of this.#ups) up();
      } else if (status.type === 'error') {
        const { permissionContext: context } = status;
        this.log.warn({ ...detail, ...context }, 'the broker reports an error');
        if (context?.operation === 'publish') this.#forbid(context.subject);
      }
    }
    this.#end();
  }

  #forbid(subject: string): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.subject !== subject) continue;
      this.#waiting.delete(id);
      waiting.reject(forbidden(subject));
    }
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweep);
    this.#drop();
    for (const up of this.#ups) up();
  }

  #drop(): void {
    this.#up = false;
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new Error('the connection to the broker was lost'));
    }
    this.#waiting.clear();
    for (const drop of this.#drops) drop();
  }
}

const SWEEP_MS = 100;
const CLOSE_MS = 5_000;

interface Outgoing {
  readonly send: () => void;
  readonly refuse: (error: Error) => void;
}

interface Waiting {
  readonly subject: string;
  readonly resolve: (message: Msg) => void;
  readonly reject: (error: Error) => void;
  readonly until: number;
}
