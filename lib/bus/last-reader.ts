import { randomBytes } from 'node:crypto';
import { AckPolicy, DeliverPolicy, nanos } from 'nats';
import { passing } from '../errors.ts';
import { deleteConsumer, ensureConsumer } from './api.ts';
import type { Link } from './link.ts';
import { Pull } from './pull.ts';
import type { Pulled } from './pulled.ts';

export interface ReadOptions {
  readonly stream: string;
  readonly filter: string;
  readonly headersOnly: boolean;
}

/** Opens a reader of the last message of every subject, and of each change after that. */
export async function openReader(link: Link, options: ReadOptions): Promise<LastReader> {
  const { stream } = options;
  const name = `watch-${randomBytes(9).toString('base64url')}`;
  const info = await ensureConsumer(link, stream, {
    name,
    filter_subject: options.filter,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.LastPerSubject,
    headers_only: options.headersOnly,
    mem_storage: true,
    inactive_threshold: nanos(IDLE_MS),
  });
  const brokerNowMs = info.ts === undefined ? Date.now() : Date.parse(info.ts);
  return new LastReader(link, stream, name, info.num_pending, Date.now() - brokerNowMs);
}

const IDLE_MS = 60_000;

/** Fetches only what is asked for: what a slow reader has not fetched yet is replaced by newer values at the broker. */
export class LastReader {
  /** How many values there were when it was opened. */
  readonly size: number;
  /** What to add to the broker's time to get ours. */
  readonly skewMs: number;
  readonly #link: Link;
  readonly #stream: string;
  readonly #name: string;
  readonly #pull: Pull;
  #buffer: Pulled[] = [];
  #gone = false;
  #none = false;
  #wake: () => void = () => undefined;

  constructor(link: Link, stream: string, name: string, size: number, skewMs: number) {
    this.#link = link;
    this.#stream = stream;
    this.#name = name;
    this.size = size;
    this.skewMs = skewMs;
    this.#pull = new Pull(link, {
      stream,
      consumer: name,
      message: (message) => {
        this.#buffer.push(message);
        setImmediate(() => this.#buffer.length > 0 && this.#wake());
      },
      ended: (why) => {
        this.#gone ||= why === 'gone';
        this.#none = why === 'none';
        this.#wake();
      },
    });
  }

  /** The consumer has vanished: open another reader. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Every value that was there when it was opened, page by page. Throws BROKER_UNAVAILABLE when it breaks off. */
  async *snapshot(signal: AbortSignal): AsyncIterable<readonly Pulled[]> {
    this.#none = false;
    for (let left = this.size; left > 0 && !signal.aborted && !this.#none;) {
      const begun = performance.now();
      const messages = await this.#read(0, READY_LIMIT_MS, signal);
      const silent = messages.length === 0 && performance.now() - begun >= READY_LIMIT_MS;
      if (this.#gone || silent) throw passing('BROKER_UNAVAILABLE', `reading ${this.#stream} broke off`);
      left = messages.at(-1)?.pending ?? left;
      yield messages;
    }
  }

  /** What comes next; empty after `limitMs`, when `signal` aborts or the reader is gone, and sometimes before. */
  async next(limitMs: number, signal: AbortSignal): Promise<readonly Pulled[]> {
    return this.#read(REQUEST_MS, limitMs, signal);
  }

  async close(): Promise<void> {
    await this.#pull.close();
    if (this.#link.up && !this.#gone)
      await deleteConsumer(this.#link, this.#stream, this.#name).catch(() => undefined);
  }

  async #read(waitMs: number, limitMs: number, signal: AbortSignal): Promise<readonly Pulled[]> {
    if (this.#buffer.length === 0 && !this.#gone && !signal.aborted) {
      if (this.#pull.asked === 0) this.#pull.request({ count: PAGE, waitMs });
      await this.#woken(limitMs, signal);
    }
    return this.#buffer.splice(0);
  }

  #woken(limitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        clearTimeout(late);
        signal.removeEventListener('abort', end);
        this.#wake = () => undefined;
        done();
      };
      const late = setTimeout(end, limitMs);
      signal.addEventListener('abort', end, { once: true });
      this.#wake = end;
    });
  }
}

const PAGE = 256;
const REQUEST_MS = 30_000;
const READY_LIMIT_MS = 10_000;
