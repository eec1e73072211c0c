import { createConnection } from 'node:net';
import { once } from 'node:events';
import type { Generation } from '@assay/lib/domain';
import { connectBus, type Bus, type Delivery, type Ledger } from '@assay/lib/bus';
import { createLog } from '@assay/lib/log';
import type { NatsServer } from '../support/nats.ts';

export const log = createLog({ service: 'test', level: 'silent' });

/** Bytes enough for both ledgers of a test. */
export const LIMITS = { generationsBytes: 64 * 1024 ** 2, scoresBytes: 64 * 1024 ** 2 };

/** A bus whose streams are there. */
export async function openBus(server: NatsServer): Promise<Bus> {
  const bus = await connectTo(server);
  await bus.ensure('p0', LIMITS);
  return bus;
}

export function connectTo(server: NatsServer): Promise<Bus> {
  const { url, token } = server;
  return connectBus({ url, name: 'test', log, ...(token !== undefined && { token }) });
}

export function generation(change: Partial<Generation> = {}): Generation {
  return {
    v: 1,
    kind: 'score',
    job: 'abcdef234567',
    task: 'gsm8k',
    doc: 0,
    repeat: 0,
    server: 'local',
    requests: `sha256:${'0'.repeat(64)}`,
    docs: `sha256:${'1'.repeat(64)}`,
    index: 0,
    outcome: { ok: true, type: 'text', response: { text: 'The answer is 42.', finishReason: 'stop' } },
    usage: { promptTokens: 10, completionTokens: 5 },
    latencyMs: 12,
    ...change,
  };
}

/** Stores documents `from` to `to - 1` side by side. */
export async function storeDocs(ledger: Ledger<Generation>, from: number, to: number): Promise<void> {
  const docs = Array.from({ length: to - from }, (_, i) => from + i);
  await Promise.all(docs.map((doc) => ledger.store(generation({ doc }))));
}

/** A consumer that runs until `stop`, and what it has been given. */
export interface Running {
  readonly deliveries: Delivery<Generation>[];
  readonly done: Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export function run(
  ledger: Ledger<Generation>,
  handle: (deliveries: readonly Delivery<Generation>[]) => Promise<void> | void,
  change: { batch?: number; inFlight?: number; ackWaitMs?: number; lanes?: number } = {},
): Running {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const deliveries: Delivery<Generation>[] = [];
  const done = ledger.consume(
    {
      durable: 'scorer',
      batch: 16,
      inFlight: 256,
      ackWaitMs: 30_000,
      log,
      ...change,
      handle: async (batch) => {
        deliveries.push(...batch);
        await handle(batch);
      },
    },
    stop.signal,
    kill.signal,
  );
  const end = (signal: AbortController) => {
    signal.abort();
    return done;
  };
  return { deliveries, done, stop: () => end(stop), kill: () => end(kill) };
}

export function ackAll(deliveries: readonly Delivery<Generation>[]): void {
  for (const delivery of deliveries) delivery.ack();
}

/** Publishes bytes past the bus, as a client that knows nothing of entries would. */
export async function publishRaw(server: NatsServer, subject: string, body: string): Promise<void> {
  const socket = createConnection({ host: '127.0.0.1', port: server.port });
  const connect = JSON.stringify({ verbose: true, auth_token: server.token });
  const bytes = Buffer.from(body);
  socket.write(
    `CONNECT ${connect}\r\nPUB ${subject} ${String(bytes.length)}\r\n${bytes.toString()}\r\nPING\r\n`,
  );
  for (let answer = ''; !answer.includes('PONG');) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answer += chunk.toString();
    if (answer.includes('-ERR')) throw new Error(answer);
  }
  socket.destroy();
}
