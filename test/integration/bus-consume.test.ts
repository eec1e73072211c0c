import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Generation } from '@assay/lib/domain';
import type { Bus, Delivery } from '@assay/lib/bus';
import { startNats, type NatsServer } from '../support/nats.ts';
import { ackAll, connectTo, generation, log, openBus, publishRaw, run, storeDocs } from './bus-fixture.ts';

let server: NatsServer;
let bus: Bus;

beforeEach(async () => {
  server = await startNats();
  bus = await openBus(server);
});

afterEach(async () => {
  await bus.close();
  await server.stop();
});

function docsOf(deliveries: readonly Delivery<Generation>[]): number[] {
  return deliveries.map((delivery) => delivery.entry.doc).toSorted((a, b) => a - b);
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('consume', () => {
  test('hands over every entry once, in batches no larger than asked for', async () => {
    const sizes: number[] = [];
    const ledger = bus.generations('p0');
    await storeDocs(ledger, 0, 300);
    const running = run(ledger, (batch) => (sizes.push(batch.length), ackAll(batch)), {
      batch: 32,
      lanes: 3,
    });
    await expect.poll(() => running.deliveries.length).toBe(300);
    await storeDocs(ledger, 300, 310);
    await expect.poll(() => running.deliveries.length).toBe(310);
    await running.stop();
    expect(docsOf(running.deliveries)).toEqual(range(310));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(32);
    expect(running.deliveries.every((delivery) => delivery.attempt === 1)).toBe(true);
  });

  test('goes on by itself after the broker was killed and started again', async () => {
    const ledger = bus.generations('p0');
    const acknowledged = new Set<number>();
    const running = run(ledger, (batch) => {
      ackAll(batch);
      for (const { entry } of batch) acknowledged.add(entry.doc);
    });
    await storeDocs(ledger, 0, 100);
    await expect.poll(() => acknowledged.size).toBe(100);
    await server.kill('SIGKILL');
    await server.restart();
    await storeDocs(ledger, 100, 200);
    await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBe(200);
    await running.stop();
  });

  test('delivers again what a handler that failed left unsettled', async () => {
    const ledger = bus.generations('p0');
    await storeDocs(ledger, 0, 4);
    const running = run(ledger, (batch) => {
      ackAll(batch.filter(({ entry, attempt }) => entry.doc < 2 || attempt > 1));
      throw new Error('the database is gone');
    });
    await expect.poll(() => running.deliveries.length).toBe(6);
    await running.stop();
    expect(docsOf(running.deliveries)).toEqual([0, 1, 2, 2, 3, 3]);
  });

  test('leaves what a worker held that vanished to another one', async () => {
    const gone = await connectTo(server);
    const ledger = bus.generations('p0');
    const stuck = run(gone.generations('p0'), () => new Promise(() => undefined), { ackWaitMs: 1_000 });
    const ended = expect(stuck.done).resolves.toBeUndefined();
    await storeDocs(ledger, 0, 3);
    await expect.poll(() => stuck.deliveries.length).toBe(3);
    await stuck.kill();
    await ended;
    await gone.close();
    const running = run(ledger, ackAll, { ackWaitMs: 1_000 });
    await expect.poll(() => docsOf(running.deliveries)).toEqual([0, 1, 2]);
    expect(running.deliveries.every(({ attempt }) => attempt === 2)).toBe(true);
    await running.stop();
  });

  test('keeps what takes longer than the acknowledgement may', async () => {
    const ledger = bus.generations('p0');
    await storeDocs(ledger, 0, 3);
    const running = run(ledger, async (batch) => (await sleep(4_000), ackAll(batch)), { ackWaitMs: 1_500 });
    await expect.poll(() => running.deliveries.length).toBe(3);
    await running.stop();
    const after = run(ledger, ackAll, { ackWaitMs: 1_500 });
    await storeDocs(ledger, 3, 4);
    await expect.poll(() => after.deliveries.length).toBe(1);
    await after.stop();
    expect(docsOf([...running.deliveries, ...after.deliveries])).toEqual([0, 1, 2, 3]);
  });

  test('delivers again no earlier than the retry says', async () => {
    const ledger = bus.generations('p0');
    await storeDocs(ledger, 0, 1);
    const times: number[] = [];
    const running = run(ledger, ([delivery]) => {
      times.push(performance.now());
      if (delivery?.attempt === 1) delivery.retry(700);
      else delivery?.ack();
    });
    await expect.poll(() => times.length, { timeout: 5_000 }).toBe(2);
    await running.stop();
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(690);
  });

  test('passes over entries that cannot be read and never sees them again', async () => {
    const ledger = bus.generations('p0');
    for (const [doc, body] of ['not json', '{"v":2}', '"\\ud800"', ''].entries()) {
      await publishRaw(server, ledger.subjectOf(generation({ doc: 100 + doc })), body);
    }
    await storeDocs(ledger, 0, 20);
    const first = run(ledger, ackAll, { ackWaitMs: 500, inFlight: 4, batch: 4 });
    await expect.poll(() => docsOf(first.deliveries)).toEqual(range(20));
    await sleep(1_200);
    await first.stop();
    expect(first.deliveries).toHaveLength(20);
  });

  test('has no more deliveries unacknowledged than asked for, and lanes side by side', async () => {
    const ledger = bus.generations('p0');
    await storeDocs(ledger, 0, 60);
    let [held, most, busy, busiest] = [0, 0, 0, 0];
    const running = run(
      ledger,
      async (batch) => {
        held += batch.length;
        busy += 1;
        [most, busiest] = [Math.max(most, held), Math.max(busiest, busy)];
        await sleep(20);
        held -= batch.length;
        busy -= 1;
        ackAll(batch);
      },
      { inFlight: 10, batch: 3, lanes: 8 },
    );
    await expect.poll(() => running.deliveries.length, { timeout: 10_000 }).toBe(60);
    await running.stop();
    expect(most).toBeLessThanOrEqual(10);
    expect(busiest).toBeGreaterThan(1);
  });

  test('settles what is in hand when it stops, and gives the rest back at once', async () => {
    const ledger = bus.generations('p0');
    await storeDocs(ledger, 0, 40);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((open) => (release = open));
    const first = run(ledger, async (batch) => (await gate, ackAll(batch)), { batch: 8, lanes: 2 });
    await expect.poll(() => first.deliveries.length).toBe(16);
    const stopped = first.stop();
    const second = run(ledger, ackAll);
    await expect.poll(() => second.deliveries.length).toBe(24);
    release();
    await stopped;
    await second.stop();
    expect(docsOf([...first.deliveries, ...second.deliveries])).toEqual(range(40));
  });

  test('resolves at once when it is stopped before it begins', async () => {
    const stop = AbortSignal.abort();
    const options = { durable: 'd', batch: 1, inFlight: 1, ackWaitMs: 1_000, handle: async () => undefined };
    await bus.generations('p0').consume({ ...options, log }, stop, new AbortController().signal);
  });

  test('rejects when the bus is closed under it', async () => {
    const other = await connectTo(server);
    const running = run(other.generations('p0'), ackAll);
    const ended = expect(running.done).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE' });
    await storeDocs(bus.generations('p0'), 0, 1);
    await expect.poll(() => running.deliveries.length).toBe(1);
    await other.close();
    await ended;
  });
});
