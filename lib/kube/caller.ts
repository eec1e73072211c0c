import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { AssayError } from '../errors.ts';
import type { CounterMetric } from '../metrics/index.ts';
import type { Access } from './access.ts';
import { ClusterFault, doing, faultOf, type Asked, type Status } from './fault.ts';
import { tokenBucket, type Rate } from './token-bucket.ts';
import { openTransport, type Outgoing } from './transport.ts';

export interface Call {
  readonly signal?: AbortSignal;
  /** Most time for the whole call, its waits included. Default 30 s. */
  readonly deadlineMs?: number;
  /** Throws when the request must not be sent; asked right before it is written. */
  readonly guard?: () => void;
}

/** What a client counts: requests by verb, resource and code, and those that it was asked to send later. */
export interface CallerMetrics {
  readonly requests: CounterMetric;
  readonly throttled: CounterMetric;
}

export interface CallerOptions {
  readonly access: Access;
  readonly rate: Rate;
  readonly metrics: CallerMetrics;
  readonly clock: Clock;
}

/** Sends requests at our rate and reads what comes back. Everything it throws is ours. */
export interface Caller {
  /** The whole answer as JSON, not checked. */
  answer<T>(asked: Asked, outgoing: Outgoing, call: Call): Promise<T>;
  /** The head of an answer that is good; its body is still to be read. */
  open(asked: Asked, outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

export const DEADLINE_MS = 30_000;
const PATIENCE_MS = 1_000;
/** Pages are far below this; what is larger is not read into memory. */
const MOST_BYTES = 64 * 1024 * 1024;
/** The Lease is renewed whatever else waits: its requests are few and have a bucket of their own. */
const LEASE_RATE: Rate = { qps: 5, burst: 10 };

export function openCaller({ access, rate, metrics, clock }: CallerOptions): Caller {
  const transport = openTransport(access);
  const work = tokenBucket(rate, clock);
  const lease = tokenBucket(LEASE_RATE, clock);

  async function open(asked: Asked, outgoing: Outgoing, signal: AbortSignal): Promise<IncomingMessage> {
    const { plural } = asked.resource;
    for (let refreshed = false; ;) {
      await (plural === 'leases' ? lease : work).take(signal);
      const response = await transport.send(outgoing, signal);
      const code = response.statusCode ?? 0;
      metrics.requests.inc({ verb: asked.verb, resource: plural, code });
      if (code < 300) return response;
      if (code === 429) {
        response.resume();
        metrics.throttled.inc();
        await clock.sleep(retryAfterMs(response), signal);
      } else if (code === 401 && !refreshed) {
        response.resume();
        refreshed = true;
        await access.refresh();
      } else throw faultOf(asked, code, statusOf(await textOf(response)));
    }
  }

  return {
    open,
    async answer<T>(asked: Asked, outgoing: Outgoing, call: Call): Promise<T> {
      const late = new AbortController();
      const deadlineMs = call.deadlineMs ?? DEADLINE_MS;
      const timer = setTimeout(() => late.abort(lateFault(asked, deadlineMs)), deadlineMs);
      const signal = call.signal === undefined ? late.signal : AbortSignal.any([call.signal, late.signal]);
      try {
        const text = await textOf(await open(asked, outgoing, signal));
        return jsonOf<T>(asked, text);
      } catch (error) {
        throw ourFault(asked, error, signal);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => transport.close(),
  };
}

/** What a request threw, as ours: why it was aborted when it was, else a fault of the way to the server. */
export function ourFault(asked: Asked, error: unknown, signal: AbortSignal): unknown {
  if (error instanceof AssayError) return error;
  if (signal.aborted) return signal.reason;
  const said = error instanceof Error ? error.message : String(error);
  return new ClusterFault(
    'CLUSTER_UNAVAILABLE',
    `${doing(asked)}: the API server cannot be reached: ${said}`,
    {
      kind: 'network',
      cause: error,
    },
  );
}

export function lateFault(asked: Asked, ms: number): ClusterFault {
  return new ClusterFault('CLUSTER_UNAVAILABLE', `${doing(asked)}: no answer within ${ms} ms`, {
    kind: 'deadline',
  });
}

export function jsonOf<T>(asked: Asked, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new ClusterFault('CLUSTER_UNAVAILABLE', `${doing(asked)}: what came is no JSON`, {
      kind: 'body',
      cause: error,
    });
  }
}

function statusOf(text: string): Status {
  try {
    return JSON.parse(text) as Status;
  } catch {
    return text === '' ? {} : { message: text.slice(0, 500) };
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`the answer is over ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}

function retryAfterMs(response: IncomingMessage): number {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : PATIENCE_MS;
}
