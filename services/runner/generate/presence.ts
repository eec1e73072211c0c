import type { Clock } from '@assay/lib/clock';
import type { ServerRecord } from '@assay/lib/domain';
import type { Log } from '@assay/lib/log';
import type { Connect, Failure, ModelEndpoint } from '../ports.ts';

export interface PresenceOptions {
  readonly key: string;
  readonly connect: Connect;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the server may be away before it counts as lost. */
  readonly outageMs: number;
}

const PROBE_MS = 5_000;
const NEVER = new AbortController().signal;

/** Whether a model server is there, and where: what the directory says of it, and what was seen. */
export class Presence {
  readonly #options: PresenceOptions;
  #server: ServerRecord | undefined;
  #endpoint: ModelEndpoint | undefined;
  #connected: ServerRecord | undefined;
  #connecting: Promise<void> | undefined;
  #verifying: Promise<boolean> | undefined;
  #awaySinceMs: number | null;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#awaySinceMs = options.clock.monotonic();
  }

  get server(): ServerRecord | undefined {
    return this.#server;
  }

  /** Null while the server must not be asked. */
  get endpoint(): ModelEndpoint | null {
    return this.#awaySinceMs === null && this.#server?.state === 'ready' ? (this.#endpoint ?? null) : null;
  }

  /** Away for longer than an outage may last. */
  get lost(): boolean {
    const { clock, outageMs } = this.#options;
    return this.#awaySinceMs !== null && clock.monotonic() - this.#awaySinceMs > outageMs;
  }

  /** Takes over what the directory says. True when the server is another one, or at another address. */
  async follow(server: ServerRecord | undefined): Promise<boolean> {
    this.#server = server;
    if (server?.state !== 'ready') {
      this.#leave(`its state is ${server?.state ?? 'unknown'}`);
      return false;
    }
    const { baseUrl, secret, model } = this.#connected ?? {};
    const same = server.baseUrl === baseUrl && server.secret === secret && server.model === model;
    if (!same) await this.#connect(server);
    // Not awaited: a server that does not answer holds nobody else up.
    if (this.#awaySinceMs !== null) void this.verify();
    return !same;
  }

  /** Whether the server is there after a connection broke; asked once for all who want to know. */
  verify(): Promise<boolean> {
    this.#verifying ??= this.#probe().finally(() => {
      this.#verifying = undefined;
    });
    return this.#verifying;
  }

  /** Learns from a request that failed. */
  note(failure: Failure): void {
    if (failure.kind === 'unreachable') this.#leave(failure.detail);
  }

  async close(): Promise<void> {
    await this.#endpoint?.close();
  }

  #connect(server: ServerRecord): Promise<void> {
    this.#connecting ??= this.#reconnect(server).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #reconnect(server: ServerRecord): Promise<void> {
    const before = this.#endpoint;
    try {
      this.#endpoint = await this.#options.connect(server);
      this.#connected = server;
    } catch (error) {
      this.#endpoint = undefined;
      this.#leave(error instanceof Error ? error.message : String(error));
    }
    // Its requests in flight end by themselves.
    void before?.close();
  }

  async #probe(): Promise<boolean> {
    const { log, key } = this.#options;
    const reply = await this.#endpoint?.models({ timeoutMs: PROBE_MS, signal: NEVER });
    const there = reply !== undefined && (reply.ok || ANSWERED.has(reply.kind));
    if (!there) this.#leave(reply?.ok === false ? reply.detail : 'no endpoint');
    else if (this.#awaySinceMs !== null && this.#server?.state === 'ready') {
      log.info({ server: key }, 'the model server is there');
      this.#awaySinceMs = null;
    }
    return there;
  }

  #leave(why: string): void {
    if (this.#awaySinceMs !== null) return;
    this.#awaySinceMs = this.#options.clock.monotonic();
    this.#options.log.warn({ server: this.#options.key, why }, 'the model server is away; its requests wait');
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
