import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEADER, WORKERS, type Bus, type Kv, type KvBucket, type KvChange } from '@assay/lib/bus';
import { startNats, type NatsServer } from '../support/nats.ts';
import { connectTo, openBus } from './bus-fixture.ts';

interface Value {
  readonly n: number;
}
const BUCKET: KvBucket<Value> = { bucket: 'assay_jobs' };

let server: NatsServer;
let bus: Bus;
let kv: Kv<Value>;

beforeEach(async () => {
  server = await startNats();
  bus = await openBus(server);
  kv = bus.kv(BUCKET);
});

afterEach(async () => {
  await bus.close();
  await server.stop();
});

async function keys(prefix?: string): Promise<string[]> {
  const all: string[] = [];
  for await (const key of kv.keys(prefix)) all.push(key);
  return all.toSorted();
}

/** Collects what a watch yields until `stop`. */
function watching<T>(from: Kv<T>, key?: string) {
  const abort = new AbortController();
  const changes: KvChange<T>[] = [];
  const done = (async () => {
    for await (const change of from.watch(abort.signal, key)) changes.push(change);
  })();
  const stop = () => {
    abort.abort();
    return done;
  };
  return { changes, stop };
}

function told<T>(change: KvChange<T>): unknown {
  if (change.type === 'put') return [change.entry.key, change.entry.value];
  return change.type === 'delete' ? [change.key, null] : 'current';
}

describe('a key', () => {
  test('is created once, and again after it was deleted', async () => {
    const revision = await kv.create('a', { n: 1 });
    expect(revision).toEqual(expect.any(Number));
    expect(await kv.create('a', { n: 2 })).toBe('exists');
    expect(await kv.get('a')).toEqual({ key: 'a', value: { n: 1 }, revision });
    await kv.delete('a');
    expect(await kv.get('a')).toBeNull();
    expect(await kv.create('a', { n: 3 })).toBeGreaterThan(Number(revision));
    expect((await kv.get('a'))?.value).toEqual({ n: 3 });
  });

  test('is updated at the revision that was read, and at no other', async () => {
    const first = Number(await kv.create('a', { n: 1 }));
    const second = await kv.update('a', { n: 2 }, first);
    expect(second).toBeGreaterThan(first);
    expect(await kv.update('a', { n: 3 }, first)).toBe('conflict');
    expect(await kv.update('b', { n: 3 }, first)).toBe('conflict');
    expect((await kv.get('a'))?.value).toEqual({ n: 2 });
  });

  test('is deleted at the revision that was read, and at no other', async () => {
    const first = Number(await kv.create('a', { n: 1 }));
    const second = Number(await kv.update('a', { n: 2 }, first));
    await kv.delete('a', first);
    expect((await kv.get('a'))?.value).toEqual({ n: 2 });
    await kv.delete('a', second);
    expect(await kv.get('a')).toBeNull();
  });

  test('loses no change when many change it at the same time', async () => {
    await kv.create('a', { n: 0 });
    const other = await connectTo(server);
    const add = async (from: Kv<Value>) => {
      for (;;) {
        const entry = await from.get('a');
        if (entry === null) throw new Error('the key is gone');
        const answer = await from.update('a', { n: entry.value.n + 1 }, entry.revision);
        if (answer !== 'conflict') return;
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => add(i % 2 === 0 ? kv : other.kv(BUCKET))));
    expect((await kv.get('a'))?.value).toEqual({ n: 20 });
    await other.close();
  });

  test('may be any text', async () => {
    const odd = ['a b', 'x.>', '*', '', '.', 'a..b', 'ключ', '\ud800', 'a=b', 'job.prepare.my task'];
    for (const key of odd) await kv.put(key, { n: 1 });
    expect(await keys()).toEqual(odd.toSorted());
    expect(await keys('a')).toEqual(['a b', 'a..b', 'a=b'].toSorted());
    expect(await keys('job.')).toEqual(['job.prepare.my task']);
    await expect(kv.put('x'.repeat(5_000), { n: 1 })).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
  });

  test('is not listed any more when it was deleted', async () => {
    for (let n = 0; n < 600; n += 1) await kv.put(`job.${String(n)}`, { n });
    await kv.delete('job.7');
    expect(await keys('job.')).toHaveLength(599);
    expect(await keys('job.7')).not.toContain('job.7');
  });

  test('of a bucket with a life is gone after it, and can be created again', async () => {
    const leader = bus.kv(LEADER);
    const begun = performance.now();
    const revision = Number(await leader.create('scheduler', { holder: 'a' }));
    expect(await leader.create('scheduler', { holder: 'b' })).toBe('exists');
    await sleep(2_000);
    expect(await leader.update('scheduler', { holder: 'a' }, revision)).toEqual(expect.any(Number));
    await expect
      .poll(() => leader.create('scheduler', { holder: 'b' }), { timeout: 15_000, interval: 100 })
      .not.toBe('exists');
    expect(performance.now() - begun).toBeGreaterThan(6_900);
    expect((await leader.get('scheduler'))?.value).toEqual({ holder: 'b' });
  });
});

describe('watch', () => {
  test('tells what is there, then that this was all, then each change', async () => {
    await kv.put('a', { n: 1 });
    await kv.put('b', { n: 1 });
    await kv.delete('b');
    const { changes, stop } = watching(kv);
    await expect.poll(() => changes.map(told)).toContain('current');
    await kv.put('a', { n: 2 });
    await expect.poll(() => changes.at(-1)).toMatchObject({ type: 'put', entry: { value: { n: 2 } } });
    await kv.delete('a');
    await expect.poll(() => changes.map(told).at(-1)).toEqual(['a', null]);
    await stop();
    const live = changes.map(told).filter((change) => !Array.isArray(change) || change[0] !== 'b');
    expect(live).toEqual([['a', { n: 1 }], 'current', ['a', { n: 2 }], ['a', null]]);
  });

  test('of an empty bucket says so at once', async () => {
    const { changes, stop } = watching(kv);
    await expect.poll(() => changes).toEqual([{ type: 'current' }]);
    await stop();
  });

  test('of one key tells of no other', async () => {
    const { changes, stop } = watching(kv, 'a.b');
    await expect.poll(() => changes).toHaveLength(1);
    await kv.put('a.c', { n: 1 });
    await kv.put('a', { n: 1 });
    await kv.put('a.b', { n: 7 });
    await expect.poll(() => changes.map(told)).toEqual(['current', ['a.b', { n: 7 }]]);
    await stop();
  });

  test('tells everything again after the broker was killed, and what comes later', async () => {
    for (let n = 0; n < 300; n += 1) await kv.put(`k${String(n)}`, { n });
    const { changes, stop } = watching(kv);
    await expect.poll(() => changes.some(({ type }) => type === 'current')).toBe(true);
    expect(changes).toHaveLength(301);
    await server.kill('SIGKILL');
    await server.restart();
    const other = await connectTo(server);
    await other.kv(BUCKET).put('k1', { n: -1 });
    await other.kv(BUCKET).delete('k2');
    await other.kv(BUCKET).put('new', { n: 1 });
    const known = () => {
      const state = new Map<string, Value>();
      for (const change of changes) {
        if (change.type === 'put') state.set(change.entry.key, change.entry.value);
        if (change.type === 'delete') state.delete(change.key);
      }
      return state;
    };
    await expect.poll(() => known().get('new'), { timeout: 20_000 }).toEqual({ n: 1 });
    await expect.poll(() => known().get('k1')).toEqual({ n: -1 });
    await expect.poll(() => known().has('k2')).toBe(false);
    expect(known().size).toBe(300);
    expect(changes.filter(({ type }) => type === 'current')).toHaveLength(1);
    await stop();
    await other.close();
  });

  test('tells a slow reader the latest and not all between', async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    for await (const change of kv.watch(abort.signal)) {
      if (change.type === 'current') {
        for (let n = 0; n < 2_000; n += 1) await kv.put('a', { n });
      }
      if (change.type !== 'put') continue;
      seen.push(change.entry.value.n);
      if (change.entry.value.n === 1_999) abort.abort();
    }
    expect(seen.at(-1)).toBe(1_999);
    expect(seen.length).toBeLessThan(1_000);
  });

  test('tells that a value came to the end of its life, and not of one that is renewed', async () => {
    const record = { v: 1, service: 'runner', id: 'r', activity: 'waits', updatedAt: '' } as const;
    const short = { ...WORKERS, ...LEADER, bucket: LEADER.bucket };
    const lives = bus.kv<typeof record>({ bucket: short.bucket, ttlMs: 5_000 });
    const { changes, stop } = watching(lives);
    await lives.put('gone', record);
    await lives.put('renewed', record);
    const renew = setInterval(() => void lives.put('renewed', record), 1_000);
    await expect
      .poll(() => changes.filter(({ type }) => type === 'delete').map(told), { timeout: 20_000 })
      .toEqual([['gone', null]]);
    await sleep(2_000);
    clearInterval(renew);
    await stop();
    expect(changes.filter(({ type }) => type === 'delete')).toHaveLength(1);
  });
});
