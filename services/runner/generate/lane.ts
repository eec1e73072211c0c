import type { ServerRecord } from '@assay/lib/domain';
import type { RunnerMetrics } from '../metrics.ts';
import type { Control, Failure, ModelEndpoint, Reply } from '../ports.ts';
import { Limiter } from './limiter.ts';
import { Presence, type PresenceOptions } from './presence.ts';
import { describeServer, takesTokenIds, type Profile } from './profile.ts';
import { Starters } from './starters.ts';
import { Turns } from './turns.ts';

export interface LaneOptions extends PresenceOptions {
  readonly metrics: RunnerMetrics;
  /** How long one try of a request may take. */
  readonly timeoutMs: number;
  /** Whether more answers may be taken in: false while too many wait to be stored. */
  readonly room: () => boolean;
}

/** Who asks: requests of one job take turns with those of another, and `most` are in flight at once. */
export interface Asker {
  readonly job: string;
  /** 0: as many as the server takes. */
  readonly most: number;
  readonly signal: AbortSignal;
  /** Ends tries that are under way. */
  readonly cut: AbortSignal;
}

const LARGEST_SHARD = 256;

type Question<T> = (endpoint: ModelEndpoint, control: Control) => Promise<Reply<T>>;

/** All that is asked of one model server by this process: one pool, one limit, one idea of whether it is there. */
export class Lane {
  readonly key: string;
  readonly #options: LaneOptions;
  readonly #presence: Presence;
  readonly #turns = new Turns();
  readonly #starters = new Starters(() => this.#short || this.lost);
  #limiter: Limiter | undefined;
  #profile: Promise<Reply<Profile>> | undefined;
  #tokenIds: Promise<Reply<boolean>> | undefined;
  #wakeAtMs = Infinity;
  /** Shards that are in hand for this server. */
  shards = 0;
  idleSinceMs: number;

  constructor(options: LaneOptions) {
    this.key = options.key;
    this.#options = options;
    this.#presence = new Presence(options);
    this.idleSinceMs = options.clock.monotonic();
  }

  get inFlight(): number {
    return this.#limiter?.inFlight ?? 0;
  }

  get limit(): number {
    return this.#limiter?.limit ?? 0;
  }

  get queued(): number {
    return this.#turns.queued;
  }

  /** Shards that have not begun. */
  get waiting(): number {
    return this.#starters.waiting;
  }

  get open(): boolean {
    return this.#presence.endpoint !== null;
  }

  get lost(): boolean {
    return this.#presence.lost;
  }

  /** Room for another shard's requests behind those that wait already. */
  get hungry(): boolean {
    return !this.lost && this.#starters.idle && this.#short;
  }

  /** Resolves when a shard's requests are wanted; call what it gives once they are queued. */
  start(): Promise<() => void> {
    return this.#starters.start();
  }

  /** Asks when it is this request's turn. `first` goes before what waits; for requests that waited already. */
  async ask<T>(asker: Asker, first: boolean, question: Question<T>): Promise<Reply<T>> {
    if (!(await this.#turn(asker, first))) return GIVEN_UP;
    const reply = await this.#send(asker, question);
    this.#turns.done(asker.job);
    this.pump();
    return reply;
  }

  /** What the server takes; asked once. */
  profile(asker: Asker): Promise<Reply<Profile>> {
    this.#profile ??= this.ask(asker, true, (endpoint, control) => {
      const { model, contextLength } = this.#presence.server ?? { model: '', contextLength: 0 };
      return describeServer(endpoint, model, { contextLength }, control);
    }).then((reply) => {
      if (!reply.ok) this.#profile = undefined;
      return reply;
    });
    return this.#profile;
  }

  /** Whether the server takes token ids; asked once, and only for what needs to know. */
  tokenIds(asker: Asker, profile: Profile): Promise<Reply<boolean>> {
    this.#tokenIds ??= this.ask(asker, true, (endpoint, control) =>
      takesTokenIds(endpoint, profile, control),
    ).then((reply) => {
      if (!reply.ok) this.#tokenIds = undefined;
      return reply;
    });
    return this.#tokenIds;
  }

  /** Whether the server is there after a connection broke. */
  verify(): Promise<boolean> {
    return this.#presence.verify();
  }

  /** Takes over what the directory says of the server, and starts what may start. */
  async tend(server: ServerRecord | undefined): Promise<void> {
    if (await this.#presence.follow(server)) this.#profile = this.#tokenIds = undefined;
    if (server?.state === 'ready') {
      this.#limiter ??= new Limiter(server.ceiling);
      this.#limiter.setCeiling(server.ceiling);
    }
    this.pump();
  }

  /** Starts what may start. */
  pump(): void {
    if (this.lost) this.#turns.giveUp();
    else this.#grant();
    this.#starters.next();
  }

  /** Requests that wait for their turn go without: all of them, or those of one job. */
  giveUp(job?: string): void {
    this.#turns.giveUp(job);
    this.#starters.next();
  }

  async close(): Promise<void> {
    this.#turns.giveUp();
    await this.#presence.close();
  }

  // Enough for every request in flight to end at once while the limit doubles, before the next shard is read.
  get #short(): boolean {
    return this.#turns.queued < Math.max(1, this.limit + Math.min(this.limit, LARGEST_SHARD));
  }

  async #turn(asker: Asker, first: boolean): Promise<boolean> {
    if (asker.signal.aborted || this.lost) return false;
    const turn = this.#turns.wait(asker.job, asker.most, first);
    this.pump();
    const granted = await turn;
    if (granted) this.#turns.started();
    if (!granted || !asker.signal.aborted) return granted;
    this.#turns.done(asker.job);
    this.pump();
    return false;
  }

  async #send<T>(asker: Asker, question: Question<T>): Promise<Reply<T>> {
    const [{ endpoint }, limiter] = [this.#presence, this.#limiter];
    // It went away between the turn and now.
    if (endpoint === null || limiter === undefined) return AWAY;
    const ticket = limiter.start();
    const control = { timeoutMs: this.#options.timeoutMs, signal: asker.cut };
    const reply = await question(endpoint, control).catch(broken);
    const nowMs = this.#options.clock.monotonic();
    if (reply.ok) limiter.taken(ticket, nowMs);
    else if (reply.kind === 'limited' || reply.kind === 'overloaded') {
      limiter.refused(ticket, nowMs, reply.retryAfterMs);
    } else limiter.ended();
    if (!reply.ok) this.#presence.note(reply);
    return reply;
  }

  #grant(): void {
    const [limiter, turns] = [this.#limiter, this.#turns];
    if (!this.open || limiter === undefined) return;
    while (turns.queued > 0 && this.#options.room()) {
      const nowMs = this.#options.clock.monotonic();
      const waitMs = limiter.waitMs(nowMs, turns.granted);
      if (waitMs > 0) return this.#wake(nowMs + waitMs, waitMs);
      if (!turns.grant()) return undefined;
    }
    return undefined;
  }

  #wake(atMs: number, waitMs: number): void {
    if (waitMs === Infinity || atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    void this.#options.clock.sleep(waitMs).then(() => {
      this.#wakeAtMs = Infinity;
      this.pump();
    });
  }
}

const GIVEN_UP: Failure = { ok: false, kind: 'cancelled', status: 0, detail: 'given up before it was asked' };
const AWAY: Failure = { ok: false, kind: 'unreachable', status: 0, detail: 'the model server is away' };

// An endpoint does not throw; should one, its slot must come back all the same.
function broken(error: unknown): Failure {
  const detail = error instanceof Error ? error.message : String(error);
  return { ok: false, kind: 'invalid', status: 0, detail };
}
