import type { Taken } from '@assay/lib/bus';
import type { ShardRequests, ShardWork } from '@assay/lib/domain';
import { AssayError, passing } from '@assay/lib/errors';
import type { Connect, Generations, Jobs, Servers } from '../ports.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { generateShard, type ShardEnd, type ShardOptions } from './shard.ts';

export interface GeneratorOptions extends Omit<
  ShardOptions,
  'lane' | 'generations' | 'onPending' | 'onQueued' | 'stop' | 'kill'
> {
  readonly servers: Servers;
  readonly jobs: Jobs;
  readonly connect: Connect;
  readonly generationsOf: (partition: string) => Generations;
  readonly timeoutMs: number;
  readonly outageMs: number;
  /** Whether a delivery may have been handed out before, whatever it says: the broker was away just now. */
  readonly doubt: () => boolean;
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

/** A delivered shard. */
export interface Delivered {
  readonly partition: string;
  readonly taken: Taken<ShardWork>;
}

// Answers that wait to be stored hold memory; above this, nothing new is asked.
const MOST_PENDING = 1_024;
const MOST_SHARDS = 128;
// Taken and kept waiting where another server is idle: its shards may stand behind these.
const MOST_WAITING = 32;
const LANE_IDLE_MS = 120_000;
const GIVEN_BACK_MS = 5_000;

interface InHand {
  readonly taken: Taken<ShardWork>;
  readonly stop: AbortController;
  readonly cut: AbortController;
}

/**
 * Generates shards: as many at once as keep every server's limit busy over a shard's end. One process's shards of one
 * server share one lane.
 */
export class Generator {
  readonly #options: GeneratorOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #inHand = new Map<string, InHand>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #takes = new Set<Promise<void>>();
  #pending = 0;

  constructor(options: GeneratorOptions) {
    this.#options = options;
    options.stop.addEventListener('abort', () => this.#stop(), { once: true });
    options.kill.addEventListener('abort', () => this.#each((shard) => shard.cut.abort()), { once: true });
    options.servers.onChange((key) => void this.#tend(key));
  }

  /** Whether another shard should be taken: some server has room, or its shards may stand behind another's. */
  get hungry(): boolean {
    if (this.#inHand.size >= MOST_SHARDS || this.#pending >= MOST_PENDING) return false;
    const busy = [...this.#lanes.values()].filter((lane) => lane.shards > 0);
    if (busy.length === 0 || busy.some((lane) => lane.hungry)) return true;
    const waiting = busy.reduce((sum, lane) => sum + lane.waiting, 0);
    return (
      waiting < MOST_WAITING &&
      this.#options.servers.ready().some((key) => !busy.some((lane) => lane.key === key))
    );
  }

  lanes(): readonly Lane[] {
    return [...this.#lanes.values()];
  }

  /** Works the shard to its end and settles its delivery. Never rejects. */
  async take(delivered: Delivered): Promise<void> {
    const take = this.#take(delivered);
    this.#takes.add(take);
    await take;
    this.#takes.delete(take);
  }

  /** Resolves when nothing is in hand. */
  async drained(): Promise<void> {
    while (this.#takes.size > 0) await Promise.all(this.#takes);
  }

  async #take({ partition, taken }: Delivered): Promise<void> {
    const work = taken.item;
    const name = `${partition}/${work.job}/${work.task}/${work.n}`;
    const log = this.#options.log.child({ job: work.job, task: work.task, shard: work.n });
    // The broker may deliver again what this process still works on: one of the two is enough.
    const before = this.#running.get(name);
    if (before !== undefined && (await before)) return acknowledge(taken, log);
    const done = this.#work(name, partition, taken).catch((error: unknown) => {
      log.warn({ err: error }, 'the shard is given back');
      this.#giveBack(taken, AssayError.from(error));
      return false;
    });
    this.#running.set(name, done);
    const complete = await done;
    if (this.#running.get(name) === done) this.#running.delete(name);
    if (complete) await acknowledge(taken, log);
  }

  /** Tells the broker that every shard in hand is being worked on. */
  beat(): void {
    this.#each(({ taken }) => taken.beat());
  }

  /** Follows servers and jobs: wakes what waits for a server, gives up what is cancelled, closes what is idle. */
  async tend(): Promise<void> {
    const { jobs, clock } = this.#options;
    for (const [, shard] of this.#inHand) {
      if (!jobs.ended(shard.taken.item.job) || shard.cut.signal.aborted) continue;
      shard.stop.abort();
      shard.cut.abort();
      this.#lanes.get(shard.taken.item.server)?.giveUp(shard.taken.item.job);
    }
    for (const [key, lane] of this.#lanes) {
      if (lane.shards > 0) lane.idleSinceMs = clock.monotonic();
      else if (clock.monotonic() - lane.idleSinceMs > LANE_IDLE_MS) {
        this.#lanes.delete(key);
        void lane.close();
        continue;
      }
    }
    await Promise.all([...this.#lanes.keys()].map((key) => this.#tend(key)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }

  // True when the delivery can be acknowledged.
  async #work(name: string, partition: string, taken: Taken<ShardWork>): Promise<boolean> {
    const { stop, jobs, blob, doubt } = this.#options;
    const work = taken.item;
    if (stop.aborted) throw passing('UNAVAILABLE', 'the runner stops');
    if (jobs.ended(work.job)) return true;
    const lane = this.#laneOf(work.server);
    const shard: InHand = { taken, stop: new AbortController(), cut: new AbortController() };
    this.#inHand.set(name, shard);
    lane.shards += 1;
    try {
      await this.#tend(work.server);
      const started = await lane.start();
      try {
        const requests = JSON.parse(Buffer.from(await blob.get(work.requests)).toString()) as ShardRequests;
        const careful = work.resume || taken.attempt > 1 || doubt();
        const end = await this.#generate(partition, work, requests, careful, lane, shard, started);
        return this.#settled(taken, end);
      } finally {
        started();
      }
    } finally {
      lane.shards -= 1;
      this.#inHand.delete(name);
    }
  }

  #generate(
    partition: string,
    work: ShardWork,
    requests: ShardRequests,
    careful: boolean,
    lane: Lane,
    { stop, cut }: InHand,
    onQueued: () => void,
  ): Promise<ShardEnd> {
    return generateShard(work, requests, careful, {
      ...this.#options,
      lane,
      generations: this.#options.generationsOf(partition),
      stop: stop.signal,
      kill: cut.signal,
      onQueued,
      onPending: (change) => (this.#pending += change),
    });
  }

  #settled(taken: Taken<ShardWork>, end: ShardEnd): boolean {
    if (end.left === 0 || this.#options.jobs.ended(taken.item.job)) return true;
    const { job, task, n } = taken.item;
    this.#options.log.info({ job, task, shard: n, ...end }, 'the rest of the shard is given back');
    taken.retry(this.#options.stop.aborted ? 0 : GIVEN_BACK_MS);
    return false;
  }

  #giveBack(taken: Taken<ShardWork>, fault: AssayError): void {
    if (fault.reason === 'UNAVAILABLE') taken.retry(0);
    // Its blob is gone: the audit finds the gap, and says so, if the job still needs it.
    else if (fault.permanent) taken.drop();
    else taken.retry(GIVEN_BACK_MS);
  }

  #laneOf(key: string): Lane {
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const room = () => this.#pending < MOST_PENDING;
    const lane = new Lane({ ...(this.#options satisfies Omit<LaneOptions, 'key' | 'room'>), key, room });
    this.#lanes.set(key, lane);
    return lane;
  }

  async #tend(key: string): Promise<void> {
    await this.#lanes.get(key)?.tend(this.#options.servers.get(key));
  }

  // What has not been asked yet is given up; what is under way ends and is stored.
  #stop(): void {
    this.#each((shard) => shard.stop.abort());
    for (const lane of this.#lanes.values()) lane.giveUp();
  }

  #each(visit: (shard: InHand) => void): void {
    for (const shard of this.#inHand.values()) visit(shard);
  }
}

// A delivery whose acknowledgement is lost comes again; everything of it is stored then.
async function acknowledge(taken: Taken<ShardWork>, log: GeneratorOptions['log']): Promise<void> {
  await taken
    .ack()
    .catch((error: unknown) => log.warn({ err: error }, 'the shard could not be acknowledged'));
}
