import { setTimeout as sleep } from 'node:timers/promises';
import { connect, NatsError, type NatsConnection } from 'nats';
import { AssayError, passing } from '../errors.ts';
import type { Log } from '../log.ts';
import { ensureStream } from './api.ts';
import { toAssayError } from './broker-error.ts';
import type { Bus } from './bus.ts';
import { bucketOf } from './kv-bucket.ts';
import { generationSubjects, scoreSubjects } from './ledger-subject.ts';
import { ledgerOf } from './ledger.ts';
import { answerKeys, askKey } from './endpoint-keys.ts';
import { Link } from './link.ts';
import { authenticatorOf, inboxPrefixOf, type Login } from './login.ts';
import { shardQueue, workItems } from './queue.ts';
import { streamsReady } from './ready.ts';
import { partitionStreams, specsOf } from './streams.ts';

export interface ConnectOptions {
  /** `nats://host:port`, or several with commas between them. */
  readonly url: string;
  readonly token?: string;
  /** Instead of a token. Answers then come below an inbox of this user alone. */
  readonly login?: Login;
  /** Shown by the broker's monitoring. */
  readonly name: string;
  readonly log: Log;
  /** How long to wait for a broker that is not there yet; 10 s without one. */
  readonly signal?: AbortSignal;
  /** Copies of each stream that `ensure` creates; default 1. */
  readonly replicas?: number;
}

/**
 * Connects, and connects again for as long as the bus is not closed.
 * Throws UNAUTHENTICATED (permanent) when the broker refuses the token or the user, BROKER_UNAVAILABLE when it is not there in time.
 */
export async function connectBus(options: ConnectOptions): Promise<Bus> {
  const link = await connectLink(options);
  return {
    ensure: async (partition, limits) => {
      for (const spec of specsOf(partition, limits, options.replicas ?? 1)) await ensureStream(link, spec);
    },
    ready: (partition, signal) => streamsReady(link, partition, signal),
    generations: (p) => ledgerOf(link, partitionStreams(p).generations, generationSubjects(p)),
    scores: (p) => ledgerOf(link, partitionStreams(p).scores, scoreSubjects(p)),
    shards: (partition) => shardQueue(link, partition),
    work: (partition) => workItems(link, partition),
    kv: (bucket) => bucketOf(link, bucket),
    key: (name) => askKey(link, name),
    answerKeys: (read) => answerKeys(link, read),
    healthy: () => link.up,
    close: () => link.close(),
  };
}

/** The connection alone, for what shares nothing with the bus but its broker. Throws what `connectBus` throws. */
export async function connectLink(options: ConnectOptions): Promise<Link> {
  const { login, log } = options;
  return new Link(await dial(options), log, login && inboxPrefixOf(login.user));
}

async function dial(options: ConnectOptions): Promise<NatsConnection> {
  const { login } = options;
  const authenticator = login && authenticatorOf(login);
  const signal = options.signal ?? AbortSignal.timeout(FIRST_CONNECT_MS);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect({
        servers: options.url.split(','),
        name: options.name,
        ...(options.token !== undefined && { token: options.token }),
        ...(login && { authenticator, inboxPrefix: inboxPrefixOf(login.user) }),
        timeout: 5_000,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: () => 100 + Math.random() * 900,
        ignoreAuthErrorAbort: true, // a broker that starts again may not know its tokens yet
        pingInterval: 10_000,
        maxPingOut: 2,
        noAsyncTraces: true,
      });
    } catch (error) {
      if (isRefusal(error)) throw refused(options, error);
      if (signal.aborted) throw toAssayError(error, `connect to the broker at ${options.url}`);
      options.log.warn({ err: error, url: options.url, attempt }, 'the broker is not there yet');
    }
    await sleep(Math.random() * Math.min(2_000, 100 * 2 ** attempt), undefined, { signal }).catch(() => {
      throw passing('BROKER_UNAVAILABLE', `no broker at ${options.url}`);
    });
  }
}

const FIRST_CONNECT_MS = 10_000;

function isRefusal(error: unknown): boolean {
  return error instanceof NatsError && error.isAuthError();
}

function refused({ url, login }: ConnectOptions, cause: unknown): AssayError {
  const what = login === undefined ? 'the token' : `user ${login.user} or its password`;
  return new AssayError('UNAUTHENTICATED', `the broker at ${url} refuses ${what}`, { cause });
}
