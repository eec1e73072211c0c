import type { Generation, Score, ScoreWork, ShardWork, CheckWork, PrepareWork } from '@assay/lib/domain';
import type { Log } from '../log.ts';
import type { Kv, KvBucket } from './kv.ts';

/** Everything that Assay says to its broker, in Assay's words. One connection. */
export interface Bus {
  /** Creates or updates the partition's streams and all KV buckets. The scheduler's alone. */
  ensure(partition: string, limits: LedgerLimits): Promise<void>;
  /** Resolves when `ensure` has been done by someone; a worker waits here at start. Rejects when `signal` aborts. */
  ready(partition: string, signal: AbortSignal): Promise<void>;
  generations(partition: string): Ledger<Generation, GenerationKey>;
  scores(partition: string): Ledger<Score, ScoreKey>;
  shards(partition: string): Queue<ShardWork>;
  work(partition: string): WorkItems;
  kv<T>(bucket: KvBucket<T>): Kv<T>;
  /** The key of an endpoint, asked of a scheduler; it is stored nowhere. Throws NOT_FOUND when there is none of that name. */
  key(name: string): Promise<string>;
  /** Answers questions for keys; gives what ends that. */
  answerKeys(read: (name: string) => Promise<string | null>): () => void;
  /** Whether the connection stands right now. */
  healthy(): boolean;
  /** Drains what was published, then closes. */
  close(): Promise<void>;
}

/** What the subject of a generation is made of. */
export type GenerationKey = Pick<Generation, 'kind' | 'job' | 'task' | 'doc' | 'repeat'>;

/** What the subject of a score is made of. */
export type ScoreKey = Pick<Score, 'epoch' | 'job' | 'task' | 'doc' | 'repeat'>;

/** `max_bytes` of the two ledgers of a partition. */
export interface LedgerLimits {
  readonly generationsBytes: number;
  readonly scoresBytes: number;
}

/** Any prefix of a subject's parts, from the left; a part left out matches everything. */
export interface LedgerFilter {
  /** Generations only. */
  readonly kind?: string;
  /** Scores only. */
  readonly epoch?: number;
  readonly job?: string;
  readonly task?: string;
  readonly bucket?: number;
}

/** The parts of a ledger subject. `task` is the encoded token: compare it with `token(name)`. */
export interface SubjectParts {
  readonly kind?: string;
  readonly epoch?: number;
  readonly job: string;
  readonly task: string;
  readonly bucket: number;
  readonly doc: number;
  readonly repeat: number | 'all';
}

/** A stream that keeps the first entry of each subject and refuses every other. */
export interface Ledger<T extends K, K = T> {
  /** Publishes with expected last sequence 0. Throws LEDGER_FULL or BROKER_UNAVAILABLE, both passing. */
  store(entry: T): Promise<'stored' | 'exists'>;
  /** The entry of a subject, read directly; null when there is none. */
  get(subject: string): Promise<T | null>;
  subjectOf(key: K): string;
  filter(parts: LedgerFilter): string;
  parse(subject: string): SubjectParts | null;
  /** Every subject under a filter, page by page, unordered. List by bucket: a listing costs what it lists. */
  list(filter: string): AsyncIterable<Iterable<string>>;
  /** How many entries lie under a filter, asked again and again at O(1) (the pending count of an idle consumer). */
  count(filter: string): Promise<Counter>;
  /** Removes every entry under a filter; gives how many. */
  purge(filter: string): Promise<number>;
  usage(): Promise<LedgerUsage>;
  /** Delivers entries in batches until `stop`; entries in hand are settled before it resolves, unless `kill`. */
  consume(options: Consume<T>, stop: AbortSignal, kill: AbortSignal): Promise<void>;
}

export interface Counter {
  value(): Promise<number>;
  close(): Promise<void>;
}

export interface LedgerUsage {
  readonly messages: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

export interface Consume<T> {
  readonly durable: string;
  readonly filter?: string;
  /** Most deliveries handed over at once. */
  readonly batch: number;
  /** Most deliveries unacknowledged at the broker. */
  readonly inFlight: number;
  readonly ackWaitMs: number;
  /** Settles every delivery itself; what it leaves unsettled when it rejects is retried later. */
  readonly handle: (deliveries: readonly Delivery<T>[], kill: AbortSignal) => Promise<void>;
  /** Batches handled side by side; default 1. */
  readonly lanes?: number;
  /** How long a batch that is not full waits for more; default 5 ms. */
  readonly lingerMs?: number;
  readonly log: Log;
}

export interface Delivery<T> {
  readonly entry: T;
  readonly subject: string;
  readonly sequence: number;
  /** From 1. */
  readonly attempt: number;
  /** Entries that wait behind it. */
  readonly pending: number;
  /** When the ledger stored it, by the broker's clock: epoch milliseconds. */
  readonly storedMs: number;
  ack(): void;
  /** Delivered again after `delayMs`; until then it counts as in flight. */
  retry(delayMs: number): void;
}

/** A work queue: each item goes to one worker and is gone when acknowledged. */
export interface Queue<T> {
  /** One item per subject at a time: `exists` when the same item still waits or is in hand. */
  publish(item: T): Promise<'stored' | 'exists'>;
  /** Items waiting or in hand, by job and task; the broker counts them, none is sent. */
  outstanding(filter: { readonly job?: string; readonly task?: string }): Promise<number>;
  purge(filter: { readonly job: string; readonly task?: string }): Promise<number>;
  take(options: TakeOptions): Promise<Puller<T>>;
}

export interface TakeOptions {
  readonly durable: string;
  readonly ackWaitMs: number;
}

export interface Puller<T> {
  /** The next item, or null after `waitMs` or when `signal` aborts. */
  next(waitMs: number, signal: AbortSignal): Promise<Taken<T> | null>;
  close(): Promise<void>;
}

export interface Taken<T> {
  readonly item: T;
  /** From 1. */
  readonly attempt: number;
  /** Tells the broker that work goes on; call well within `ackWaitMs`. */
  beat(): void;
  /** Resolves when the broker has confirmed. Rejects with BROKER_UNAVAILABLE (passing): the item may come again. */
  ack(): Promise<void>;
  retry(delayMs: number): void;
  /** Never delivered again. */
  drop(): void;
}

/** Small work beside the shards: `prepare` and `check` for runners, `score` for sandboxes. */
export interface WorkItems {
  readonly prepare: Queue<PrepareWork>;
  readonly check: Queue<CheckWork>;
  readonly score: Queue<ScoreWork>;
}
