import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '@assay/lib/bus';
import { startNats, type NatsServer } from '../support/nats.ts';
import { connectTo, generation, LIMITS, openBus, storeDocs } from './bus-fixture.ts';

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

async function listed(filter: string): Promise<string[]> {
  const subjects: string[] = [];
  for await (const page of bus.generations('p0').list(filter)) subjects.push(...page);
  return subjects.toSorted();
}

describe('store', () => {
  test('keeps one of many entries that are stored for one sample at the same time', async () => {
    const other = await connectTo(server);
    const [ledger, second] = [bus.generations('p0'), other.generations('p0')];
    const docs = Array.from({ length: 1_000 }, (_, i) => i % 200);
    const answers = await Promise.all(
      docs.map((doc, i) => (i % 2 === 0 ? ledger : second).store(generation({ doc, latencyMs: i }))),
    );
    await other.close();
    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(200);
    expect(answers.filter((answer) => answer === 'exists')).toHaveLength(800);
    expect(await bus.generations('p0').usage()).toMatchObject({ messages: 200 });
  });

  test('loses nothing that it acknowledged and stores nothing twice when the broker is killed', async () => {
    const ledger = bus.generations('p0');
    const acknowledged = new Set<number>();
    const work = Array.from({ length: 64 }, async (_, lane) => {
      for (let doc = lane; doc < 5_000; doc += 64) {
        await ledger.store(generation({ doc }));
        acknowledged.add(doc);
      }
    });
    await expect.poll(() => acknowledged.size, { interval: 1 }).toBeGreaterThan(1_000);
    await server.kill('SIGKILL');
    const before = new Set(acknowledged);
    await server.restart();
    expect(before.size).toBeLessThan(5_000);
    await Promise.all(work);
    const subjects = await listed(ledger.filter({}));
    const docs = subjects.map((subject) => ledger.parse(subject)?.doc);
    expect(new Set(docs)).toEqual(acknowledged);
    expect(docs).toHaveLength(5_000);
    expect(await ledger.usage()).toMatchObject({ messages: 5_000 });
  });

  test('refuses with LEDGER_FULL when there is no room, and goes on after a purge', async () => {
    const ledger = bus.generations('p0');
    await bus.ensure('p0', { ...LIMITS, generationsBytes: 200_000 });
    const stored: number[] = [];
    const fill = async () => {
      for (let doc = 0; ; doc += 1) {
        await ledger.store(generation({ doc }));
        stored.push(doc);
      }
    };
    await expect(fill()).rejects.toMatchObject({ reason: 'LEDGER_FULL', permanent: false });
    expect(stored.length).toBeGreaterThan(50);
    expect(await ledger.store(generation({ doc: 0 }))).toBe('exists');
    const { bytes, maxBytes } = await ledger.usage();
    expect(maxBytes).toBe(200_000);
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    expect(await ledger.purge(ledger.filter({ job: 'abcdef234567' }))).toBe(stored.length);
    expect(await ledger.store(generation({ doc: 0 }))).toBe('stored');
  });

  test('takes text with lone surrogates and gives it back', async () => {
    const ledger = bus.generations('p0');
    const response = { text: '\ud83d and \udc00 \u0000 “quoted”', finishReason: 'stop' };
    const entry = generation({
      task: 'a task.with > odd * \ud800 name',
      outcome: { ok: true, type: 'text', response },
    });
    expect(await ledger.store(entry)).toBe('stored');
    expect(await ledger.get(ledger.subjectOf(entry))).toEqual(entry);
  });

  test('refuses an entry over the limit of the broker and stays connected', async () => {
    const response = { text: 'x'.repeat(2 * 1024 ** 2), finishReason: 'stop' };
    const entry = generation({ outcome: { ok: true, type: 'text', response } });
    const ledger = bus.generations('p0');
    await expect(ledger.store(entry)).rejects.toMatchObject({ reason: 'MESSAGE_TOO_LARGE', permanent: true });
    expect(await ledger.store(generation())).toBe('stored');
  });
});

describe('a ledger', () => {
  test('lists, counts, reads and purges by filter', async () => {
    const ledger = bus.generations('p0');
    const entries = [0, 9_999, 10_000].flatMap((doc) =>
      (['gsm8k', 'hellaswag'] as const).map((task) => generation({ doc, task })),
    );
    await Promise.all(entries.map((entry) => ledger.store(entry)));
    expect(await listed(ledger.filter({ job: 'abcdef234567', task: 'gsm8k', bucket: 0 }))).toEqual([
      'assay.p0.generations.score.abcdef234567.gsm8k.0.0.0',
      'assay.p0.generations.score.abcdef234567.gsm8k.0.9999.0',
    ]);
    expect(await listed(ledger.filter({ job: 'other' }))).toEqual([]);
    expect(await ledger.get(ledger.subjectOf(generation({ doc: 1 })))).toBeNull();
    expect(await ledger.purge(ledger.filter({ task: 'gsm8k' }))).toBe(3);
    expect(await listed(ledger.filter({}))).toHaveLength(3);
  });

  test('counts what comes and goes, over a restart of the broker', async () => {
    const ledger = bus.generations('p0');
    const counter = await ledger.count(ledger.filter({ job: 'abcdef234567' }));
    expect(await counter.value()).toBe(0);
    await storeDocs(ledger, 0, 50);
    await ledger.store(generation({ job: 'zzzzzz234567' }));
    await expect.poll(() => counter.value()).toBe(50);
    await server.kill('SIGKILL');
    await server.restart();
    await storeDocs(ledger, 50, 60);
    await expect.poll(() => counter.value()).toBe(60);
    await ledger.purge(ledger.filter({ job: 'abcdef234567' }));
    await expect.poll(() => counter.value()).toBe(0);
    await counter.close();
  });

  test('of one partition knows nothing of another', async () => {
    await bus.ensure('p1', LIMITS);
    await bus.generations('p1').store(generation());
    expect(await bus.generations('p0').get(bus.generations('p0').subjectOf(generation()))).toBeNull();
    expect(await bus.generations('p1').usage()).toMatchObject({ messages: 1 });
  });

  test('says that the broker is not there, as a passing fault', async () => {
    const jobs = bus.kv({ bucket: 'assay_jobs' });
    await server.kill();
    const asked = jobs.get('a');
    await sleep(10);
    await expect(asked).rejects.toMatchObject({ reason: 'BROKER_UNAVAILABLE', permanent: false });
  });
});
