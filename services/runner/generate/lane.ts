import type { Clock } from '@assay/lib/clock';
import type { ServerRecord } from '@assay/lib/domain';
import type { Log } from '@assay/lib/log';
import type { RunnerMetrics } from '../metrics.ts';
import type { Connect, Control, Failure, ModelEndpoint, Reply } from '../ports.ts';
import { Limiter } from './limiter.ts';
import { describeServer, takesTokenIds, type Profile } from './profile.ts';
import { Turns } from './turns.ts';

export interface LaneOptions {
  readonly key: string;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RunnerMetrics;
  /** How long one try of a request may take. */
  readonly timeoutMs: number;
  /** How long the server may be away before its shards are given back. */
  readonly outageMs: number;
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

const PROBE_MS = 5_000;

/** All that is asked of one model server by this process: one pool, one limit, one idea of whether it is there. */
export class Lane {
  readonly key: string;
  readonly #options: LaneOptions;
  readonly #turns: Turns;
  #limiter: Limiter | undefined;
  #server: ServerRecord | undefined;
  #endpoint: ModelEndpoint | undefined;
  #connecting: Promise<void> | undefined;
  #profile: Promise<Reply<Profile>> | undefined;
  #tokenIds: Promise<Reply<boolean>> | undefined;
  #verifying: Promise<boolean> | undefined;
  #downSinceMs: number | null;
  #refused = false;
  #wakeAtMs = Infinity;
  /** Shards that are in hand for this server. */
  shards = 0;
  idleSinceMs: number;

  constructor(options: LaneOptions) {
    this.key = options.key;
    this.#options = options;
    this.#turns = new Turns();
    this.#downSinceMs = this.idleSinceMs = options.clock.monotonic();
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

  get open(): boolean {
    return this.#endpoint !== undefined && this.#downSinceMs === null && this.#server?.state === 'ready';
  }

  /** Away for longer than an outage may last. */
  get lost(): boolean {
    const { clock, outageMs } = this.#options;
    return this.#downSinceMs !== null && clock.monotonic() - this.#downSinceMs > outageMs;
  }

  /** Room for another shard's requests behind those that wait already. */
  get hungry(): boolean {
    return !this.lost && this.#turns.queued < Math.max(1, this.limit);
  }

  /** Asks when it is this request's turn. `first` goes before what waits; for requests that waited already. */
  async ask<T>(
    asker: Asker,
    first: boolean,
    question: (endpoint: ModelEndpoint, control: Control) => Promise<Reply<T>>,
  ): Promise<Reply<T>> {
    if (!(await this.#turn(asker, first))) return GIVEN_UP;
    const [endpoint, limiter] = [this.#endpoint, this.#limiter];
    if (endpoint === undefined || limiter === undefined) return GIVEN_UP;
    const ticket = limiter.start();
    const control = { timeoutMs: this.#options.timeoutMs, signal: asker.cut };
    const reply = await question(endpoint, control).catch(broken);
    this.#turns.done(asker.job);
    const nowMs = this.#options.clock.monotonic();
    if (reply.ok) limiter.taken(ticket, nowMs);
    else if (reply.kind === 'limited' || reply.kind === 'overloaded') {
      limiter.refused(ticket, nowMs, reply.retryAfterMs);
    } else limiter.ended();
    if (!reply.ok) this.#note(reply);
    this.pump();
    return reply;
  }

  /** What the server takes; asked once. */
  profile(asker: Asker): Promise<Reply<Profile>> {
    this.#profile ??= this.ask(asker, true, (endpoint, control) =>
      describeServer(endpoint, this.#server?.model ?? '', this.#server ?? { contextLength: 0 }, control),
    ).then((reply) => {
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

  /** Whether the server is there after a connection broke; asked once for all who want to know. */
  verify(): Promise<boolean> {
    this.#verifying ??= this.#probe().finally(() => {
      this.#verifying = undefined;
    });
    return this.#verifying;
  }

  /** Takes over what the directory says of the server, and looks whether it is back. */
  async tend(server: ServerRecord | undefined): Promise<void> {
    const moved = server?.baseUrl !== this.#server?.baseUrl || server?.secret !== this.#server?.secret;
    this.#server = server;
    if (server === undefined || server.state !== 'ready') {
      this.#down(`its state is ${server?.state ?? 'unknown'}`);
      return;
    }
    this.#limiter ??= new Limiter(server.ceiling);
    this.#limiter.setCeiling(server.ceiling);
    if (moved || this.#endpoint === undefined) await this.#connect(server);
    if (this.#downSinceMs !== null) await this.verify();
    this.pump();
  }

  /** Starts what may start. */
  pump(): void {
    const limiter = this.#limiter;
    if (this.lost) {
      this.#turns.giveUp();
      return;
    }
    if (!this.open || limiter === undefined) return;
    while (this.#turns.queued > 0 && this.#options.room()) {
      const nowMs = this.#options.clock.monotonic();
      const waitMs =
        limiter.waitMs(nowMs) || (limiter.inFlight + this.#turns.granted >= limiter.limit ? Infinity : 0);
      if (waitMs > 0) {
        if (waitMs < Infinity) this.#wake(nowMs + waitMs, waitMs);
        return;
      }
      if (!this.#turns.grant()) return;
    }
  }

  /** Requests that wait for their turn go without: all of them, or those of one job. */
  giveUp(job?: string): void {
    this.#turns.giveUp(job);
  }

  async close(): Promise<void> {
    this.#turns.giveUp();
    await this.#endpoint?.close();
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

  async #connect(server: ServerRecord): Promise<void> {
    this.#connecting ??= this.#reconnect(server).finally(() => {
      this.#connecting = undefined;
    });
    await this.#connecting;
  }

  async #reconnect(server: ServerRecord): Promise<void> {
    const before = this.#endpoint;
    this.#endpoint = await this.#options.connect(server);
    this.#profile = this.#tokenIds = undefined;
    // Its requests in flight end by themselves.
    void before?.close();
  }

  async #probe(): Promise<boolean> {
    const signal = new AbortController().signal;
    const reply = await this.#endpoint?.models({ timeoutMs: PROBE_MS, signal });
    const there = reply !== undefined && (reply.ok || ANSWERED.has(reply.kind));
    if (!there) this.#down(reply?.ok === false ? reply.detail : 'no endpoint');
    else if (this.#downSinceMs !== null && this.#server?.state === 'ready') {
      this.#options.log.info({ server: this.key }, 'the model server is there');
      this.#downSinceMs = null;
      this.pump();
    }
    return there;
  }

  #note(failure: Failure): void {
    if (failure.kind === 'unreachable') this.#down(failure.detail);
    if ((failure.kind === 'limited' || failure.kind === 'overloaded') !== this.#refused) {
      this.#refused = !this.#refused;
      this.#options.log.debug(
        { server: this.key, limit: this.limit, status: failure.status },
        'limit changed',
      );
    }
  }

  #down(why: string): void {
    if (this.#downSinceMs !== null) return;
    this.#downSinceMs = this.#options.clock.monotonic();
    this.#options.log.warn({ server: this.key, why }, 'the model server is away; its requests wait');
  }

  #wake(atMs: number, waitMs: number): void {
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    void this.#options.clock.sleep(waitMs).then(() => {
      this.#wakeAtMs = Infinity;
      this.pump();
    });
  }
}

// It answered, so it is there: what it says to a real request will be judged by that request.
const ANSWERED: ReadonlySet<string> = new Set([
  'refused',
  'unauthorized',
  'limited',
  'invalid',
  'server-error',
]);

const GIVEN_UP: Failure = { ok: false, kind: 'cancelled', status: 0, detail: 'given up before it was asked' };

// An endpoint does not throw; should one, its slot must come back all the same.
function broken(error: unknown): Failure {
  return {
    ok: false,
    kind: 'invalid',
    status: 0,
    detail: error instanceof Error ? error.message : String(error),
  };
}
