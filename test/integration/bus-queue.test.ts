import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ScoreWork, ShardWork } from '@assay/lib/domain';
import type { Bus, Puller, Taken } from '@assay/lib/bus';
import { startNats, type NatsServer } from '../support/nats.ts';
import { connectTo, openBus, publishRaw } from './bus-fixture.ts';

let server: NatsServer;
let bus: Bus;
let puller: Puller<ShardWork>;
const never = new AbortController().signal;

beforeEach(async () => {
  server = await startNats();
  bus = await openBus(server);
  puller = await bus.shards('p0').take({ durable: 'runner', ackWaitMs: 30_000 });
});

afterEach(async () => {
  await puller.close();
  await bus.close();
  await server.stop();
});

function shard(change: Partial<ShardWork> = {}): ShardWork {
  return {
    v: 1,
    job: 'abcdef234567',
    task: 'gsm8k',
    kind: 'score',
    n: 0,
    bucket: 0,
    server: 'local',
    requests: `sha256:${'0'.repeat(64)}`,
    docs: `sha256:${'1'.repeat(64)}`,
    samples: 32,
    seed: 1,
    maxConcurrency: 8,
    resume: false,
    ...change,
  };
}

async function taken<T>(from: Puller<T>): Promise<Taken<T>> {
  const item = await from.next(10_000, never);
  if (item === null) throw new Error('nothing came');
  return item;
}

describe('a queue', () => {
  test('holds one item of a name, while it waits and while it is in hand', async () => {
    const queue = bus.shards('p0');
    expect(await queue.publish(shard())).toBe('stored');
    expect(await queue.publish(shard({ resume: true }))).toBe('exists');
    const first = await taken(puller);
    expect(await queue.publish(shard())).toBe('exists');
    await first.ack();
    expect(await queue.publish(shard())).toBe('stored');
    expect((await taken(puller)).item).toEqual(shard());
  });

  test('knows how many items are outstanding, and purges by job and task', async () => {
    const queue = bus.shards('p0');
    for (const n of [0, 1, 2]) await queue.publish(shard({ n }));
    await queue.publish(shard({ task: 'other task' }));
    await queue.publish(shard({ job: 'zzzzzz234567' }));
    const inHand = await taken(puller);
    expect(await queue.outstanding({})).toBe(5);
    expect(await queue.outstanding({ job: 'abcdef234567' })).toBe(4);
    expect(await queue.outstanding({ job: 'abcdef234567', task: 'gsm8k' })).toBe(3);
    expect(await queue.outstanding({ task: 'other task' })).toBe(1);
    await inHand.ack();
    expect(await queue.outstanding({ job: 'abcdef234567' })).toBe(3);
    expect(await queue.purge({ job: 'abcdef234567', task: 'other task' })).toBe(1);
    expect(await queue.purge({ job: 'abcdef234567' })).toBe(2);
    expect(await queue.outstanding({})).toBe(1);
  });

  test('keeps prepare, check and score items apart', async () => {
    const { prepare, check, score } = bus.work('p0');
    const job = 'abcdef234567';
    await prepare.publish({ v: 1, job, task: 'gsm8k', bundle: `sha256:${'0'.repeat(64)}`, seed: 1 });
    await check.publish({ v: 1, job, server: 'local', tasks: [] });
    const item: ScoreWork = { v: 1, job, task: 'gsm8k', kind: 'score', epoch: 0, doc: 3, repeat: 0 };
    await score.publish(item);
    expect(await score.publish({ ...item, epoch: 1 })).toBe('stored');
    const scorers = await score.take({ durable: 'scorers', ackWaitMs: 30_000 });
    const preparers = await prepare.take({ durable: 'preparers', ackWaitMs: 30_000 });
    expect((await taken(scorers)).item).toEqual(item);
    expect((await taken(preparers)).item).toMatchObject({ task: 'gsm8k', seed: 1 });
    expect(await Promise.all([prepare, check, score].map((queue) => queue.outstanding({ job })))).toEqual([
      1, 1, 2,
    ]);
    await Promise.all([scorers.close(), preparers.close()]);
  });
});

describe('next', () => {
  test('is null when nothing comes in time, and at once when it is aborted', async () => {
    expect(await puller.next(100, never)).toBeNull();
    const abort = new AbortController();
    const waiting = puller.next(60_000, abort.signal);
    await sleep(50);
    abort.abort();
    expect(await waiting).toBeNull();
    expect(await puller.next(60_000, abort.signal)).toBeNull();
  });

  test('gives back what comes for somebody who no longer waits', async () => {
    const abort = new AbortController();
    const waiting = puller.next(60_000, abort.signal);
    await sleep(50);
    abort.abort();
    await waiting;
    await bus.shards('p0').publish(shard());
    expect((await taken(puller)).item).toEqual(shard());
  });

  test('gives each item to one of many who wait side by side', async () => {
    const other = await connectTo(server);
    const second = await other.shards('p0').take({ durable: 'runner', ackWaitMs: 30_000 });
    const waiting = [puller, second, puller, second].map((from) => taken(from));
    for (const n of [0, 1, 2, 3]) await bus.shards('p0').publish(shard({ n }));
    const items = await Promise.all(waiting);
    expect(items.map(({ item }) => item.n).toSorted()).toEqual([0, 1, 2, 3]);
    await Promise.all(items.map((item) => item.ack()));
    expect(await bus.shards('p0').outstanding({})).toBe(0);
    await second.close();
    await other.close();
  });

  test('takes nothing ahead: what nobody waits for is free for others', async () => {
    for (const n of [0, 1]) await bus.shards('p0').publish(shard({ n }));
    await taken(puller);
    const other = await connectTo(server);
    const second = await other.shards('p0').take({ durable: 'runner', ackWaitMs: 30_000 });
    expect(await taken(second)).toMatchObject({ item: { n: 1 }, attempt: 1 });
    await second.close();
    await other.close();
  });

  test('drops an item that cannot be read, and goes on to the next', async () => {
    await publishRaw(server, 'assay.p0.shards.abcdef234567.gsm8k.7', '{broken');
    await bus.shards('p0').publish(shard());
    expect((await taken(puller)).item).toEqual(shard());
    await expect.poll(() => bus.shards('p0').outstanding({})).toBe(1);
  });

  test('goes on after the broker was killed and started again', async () => {
    const before = taken(puller);
    await server.kill('SIGKILL');
    await server.restart();
    await bus.shards('p0').publish(shard());
    const item = await before;
    expect(item.item).toEqual(shard());
    await item.ack();
    expect(await bus.shards('p0').outstanding({})).toBe(0);
  });
});

describe('a taken item', () => {
  test('comes again after a retry, and never after a drop', async () => {
    await bus.shards('p0').publish(shard());
    const first = await taken(puller);
    expect(first.attempt).toBe(1);
    first.retry(10);
    const second = await taken(puller);
    expect(second.attempt).toBe(2);
    second.drop();
    await expect.poll(() => bus.shards('p0').outstanding({})).toBe(0);
  });

  test('comes again when its worker falls silent, and stays while it beats', async () => {
    const quick = await bus.work('p0').check.take({ durable: 'checkers', ackWaitMs: 1_500 });
    await bus.work('p0').check.publish({ v: 1, job: 'abcdef234567', server: 'local', tasks: [] });
    const first = await taken(quick);
    const beat = setInterval(() => first.beat(), 300);
    expect(await quick.next(3_500, never)).toBeNull();
    clearInterval(beat);
    const second = await taken(quick);
    expect(second.attempt).toBe(2);
    await second.ack();
    await quick.close();
  });

  test('can be acknowledged twice, and while the broker is away', async () => {
    await bus.shards('p0').publish(shard());
    const item = await taken(puller);
    await server.kill('SIGKILL');
    const acknowledged = item.ack();
    await server.restart();
    await acknowledged;
    await item.ack();
    expect(await bus.shards('p0').outstanding({})).toBe(0);
  });

  test('is gone after its acknowledgement, though the broker has forgotten that it was delivered', async () => {
    await bus.shards('p0').publish(shard());
    const item = await taken(puller);
    await publishRaw(server, '$JS.API.CONSUMER.DELETE.SHARDS_p0.runner', '');
    await item.ack();
    expect(await bus.shards('p0').outstanding({})).toBe(0);
    await bus.shards('p0').publish(shard({ n: 1 }));
    expect((await taken(puller)).item.n).toBe(1);
  });

  test('can be acknowledged when it was purged meanwhile', async () => {
    await bus.shards('p0').publish(shard());
    const item = await taken(puller);
    await bus.shards('p0').purge({ job: 'abcdef234567' });
    await item.ack();
    await bus.shards('p0').publish(shard());
    expect(await bus.shards('p0').outstanding({})).toBe(1);
  });
});
