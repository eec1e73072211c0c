import type { Msg, Subscription } from 'nats';
import type { Link } from './link.ts';
import { pulledOf, type Pulled } from './pulled.ts';

export interface PullFrom {
  readonly stream: string;
  readonly consumer: string;
  /** Must not throw. */
  readonly message: (message: Pulled) => void;
  /**
   * A request is over before all it asked for came: `none` lay ready, or its time or its bytes are `over`.
   * `gone`: the consumer has to be made sure of first.
   */
  readonly ended: (why: 'none' | 'over' | 'gone') => void;
}

/** `waitMs` 0: only what lies ready. */
export interface PullRequest {
  readonly count: number;
  readonly waitMs: number;
}

/**
 * Requests to a pull consumer, over one subscription that outlives reconnects. A message keeps its own subject, so it
 * does not tell which request it answers: what is still asked for is one sum, put right by what the broker says of
 * each request that ends early.
 */
export class Pull {
  readonly #link: Link;
  readonly #from: PullFrom;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #undoDrop: () => void;
  readonly #watchdog: NodeJS.Timeout;
  #epoch = 0; // answers to requests of an earlier one count no more
  #asked = 0;
  #seen = 0;
  #silenceMs = 0;

  constructor(link: Link, from: PullFrom) {
    this.#link = link;
    this.#from = from;
    this.#inbox = link.newInbox();
    this.#subscription = link.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error === null ? this.#arrive(message) : this.#lose()),
    });
    this.#undoDrop = link.onDrop(() => this.#lose());
    this.#watchdog = setInterval(() => this.#checkSilence(), HEARTBEAT_MS);
    this.#watchdog.unref();
  }

  /** How many messages are asked for and have not come. */
  get asked(): number {
    return this.#asked;
  }

  /** Ends at once, with `gone`, while there is no connection. */
  request({ count, waitMs }: PullRequest): void {
    const beats = waitMs >= 2 * HEARTBEAT_MS + 1_000;
    const silenceMs = beats ? 3 * HEARTBEAT_MS : waitMs + HEARTBEAT_MS;
    this.#silenceMs = this.#asked === 0 ? silenceMs : Math.max(silenceMs, this.#silenceMs);
    this.#asked += count;
    this.#seen = performance.now();
    if (!this.#link.up) {
      queueMicrotask(() => this.#lose());
      return;
    }
    const body = {
      batch: count,
      max_bytes: Math.max(BATCH_BYTES, 2 * (this.#link.nc.info?.max_payload ?? 0)),
      ...(waitMs === 0 ? { no_wait: true } : { expires: Math.round(waitMs * 1e6) }),
      ...(beats && { idle_heartbeat: HEARTBEAT_MS * 1e6 }),
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.#from.stream}.${this.#from.consumer}`;
    const reply = `${this.#inbox}.${String(this.#epoch)}-${String(count)}`;
    this.#link.nc.publish(subject, JSON.stringify(body), { reply });
  }

  /** Nothing is handed over after it resolves; what the broker had sent before has been. */
  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    this.#undoDrop();
    this.#asked = 0;
    if (!this.#link.up) {
      this.#subscription.unsubscribe();
      return;
    }
    await new Promise<void>((done) => {
      const undo = this.#link.onDrop(() => done());
      const end = () => (undo(), done());
      this.#subscription.drain().then(end, end);
    });
  }

  // Must not throw: the client's reader would end.
  #arrive(message: Msg): void {
    this.#seen = performance.now();
    const pulled = pulledOf(message);
    if (pulled !== null) {
      this.#asked = Math.max(0, this.#asked - 1);
      this.#from.message(pulled);
      return;
    }
    const code = message.headers?.code ?? 0;
    const [epoch, count] = message.subject
      .slice(this.#inbox.length + 1)
      .split('-')
      .map(Number);
    if (code < 400 || epoch !== this.#epoch) return;
    const why = message.headers?.description ?? '';
    if (/batch completed/i.test(why)) return;
    if (code !== 404 && code !== 408 && !/max ?bytes/i.test(why)) return this.#lose();
    const unserved = message.headers?.get('Nats-Pending-Messages') ?? '';
    this.#asked = Math.max(0, this.#asked - (unserved === '' ? (count ?? 0) : Number(unserved)));
    this.#from.ended(code === 404 ? 'none' : 'over');
  }

  #checkSilence(): void {
    if (this.#asked > 0 && performance.now() - this.#seen > this.#silenceMs) this.#lose();
  }

  #lose(): void {
    if (this.#asked === 0) return;
    this.#epoch += 1;
    this.#asked = 0;
    this.#from.ended('gone');
  }
}

const HEARTBEAT_MS = 5_000;
const BATCH_BYTES = 8 * 1024 * 1024;
