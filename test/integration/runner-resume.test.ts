import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOBS } from '@assay/lib/bus';
import type { JobRecord } from '@assay/lib/domain';
import { promptKey } from '../support/model-server.ts';
import { choicesRequest, RunnerWorld, textRequest, until } from './runner-world.ts';

let world: RunnerWorld;

beforeEach(async () => {
  world = await RunnerWorld.start();
});
afterEach(() => world.stop());

const prompts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => textRequest(`Q: ${from + i} + 1?\nA:`));
const ASK = { delayMs: 150 };

/** How often the samples' own prompts were asked, most and in all; the runner's questions about the server left out. */
async function asked(
  model: { requests(): ReturnType<import('../support/model-server.ts').ModelServer['requests']> },
  count: number,
) {
  const { prompts: counts } = await model.requests();
  const own = Array.from(
    { length: count },
    (_, i) => counts[promptKey(`Q: ${i} + 1?\nA:`, 1234)]?.asked ?? 0,
  );
  return { most: Math.max(...own), least: Math.min(...own) };
}

describe('a runner that is asked to end', () => {
  it('ends what it began, gives back the rest, and nothing is asked twice', async () => {
    const model = await world.model('server', { behaviour: { delayMs: 1_500 }, ownProcess: true });
    const first = await world.runner();
    for (let n = 0; n < 4; n += 1) await world.shard('job', prompts(100, n * 100), { firstDoc: n * 100 });
    await until(async () => (await world.generated('job')) > 0, 20_000);
    const began = performance.now();
    expect(await first.terminate()).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    const before = await model.requests();
    expect(before.completed).toBe(before.total);
    expect(await world.generated('job')).toBeLessThan(400);
    await model.set({ delayMs: 0 });
    await world.runner();
    await world.generations('job', 400);
    await world.settled();
    expect(await asked(model, 400)).toEqual({ most: 1, least: 1 });
  });

  it('ends choices that it began, every pair of them', async () => {
    const model = await world.model('server', { behaviour: { delayMs: 300 } }, { ceiling: 3 });
    const first = await world.runner();
    const contexts = Array.from({ length: 20 }, (_, i) => `Q: ${i}?\nA:`);
    const choices = [' a', ' b', ' c', ' d'];
    await world.shard(
      'job',
      contexts.map((context) => choicesRequest(context, choices)),
    );
    await until(async () => (await model.requests()).total > 8, 20_000);
    expect(await first.terminate()).toBe(0);
    await world.runner();
    await world.generations('job', 20);
    const { prompts: counts } = await model.requests();
    const own = contexts.flatMap((context) => choices.map((choice) => context + choice));
    expect(own.map((prompt) => counts[promptKey(prompt, 1234)]?.asked)).toEqual(own.map(() => 1));
  });
});

describe('a runner that is killed', () => {
  it('leaves a shard whose stored samples are not asked for again', async () => {
    const model = await world.model('server', { behaviour: ASK, ownProcess: true }, { ceiling: 8 });
    const first = await world.runner({ ASSAY_ACK_WAIT: '2s' });
    await world.shard('job', prompts(120));
    await until(async () => (await world.generated('job')) >= 40, 20_000);
    await first.kill();
    const ledger = world.bus.generations('p0');
    const stored = new Set<number>();
    for await (const page of ledger.list(ledger.filter({ job: 'job' }))) {
      for (const subject of page) stored.add(ledger.parse(subject)?.doc ?? -1);
    }
    const killedAt = Date.now();
    await world.runner({ ASSAY_ACK_WAIT: '2s' });
    await world.generations('job', 120);
    await world.settled();
    const { prompts: counts } = await model.requests();
    for (const doc of stored) {
      const count = counts[promptKey(`Q: ${doc} + 1?\nA:`, 1234)];
      expect(count?.asked).toBe(1);
      expect(count?.lastAskedAt).toBeLessThanOrEqual(killedAt);
    }
    expect((await asked(model, 120)).most).toBeLessThanOrEqual(2);
  });

  it('goes on with a shard that is sent again', async () => {
    const model = await world.model('server');
    await world.runner();
    const work = await world.shard('job', prompts(50));
    await world.generations('job', 50);
    await world.settled();
    await world.bus.shards('p0').publish({ ...work, resume: true });
    await world.settled();
    expect(await asked(model, 50)).toEqual({ most: 1, least: 1 });
  });
});

describe('a broker that goes away', () => {
  it('loses no answer, and none is asked for again', async () => {
    const model = await world.model('server', { behaviour: ASK, ownProcess: true }, { ceiling: 16 });
    await world.runner();
    for (let n = 0; n < 3; n += 1) await world.shard('job', prompts(100, n * 100), { firstDoc: n * 100 });
    await until(async () => (await world.generated('job')) >= 60, 20_000);
    await world.nats.kill();
    await new Promise((done) => void setTimeout(done, 1_000));
    await world.nats.restart();
    await world.generations('job', 300);
    await world.settled();
    expect(await asked(model, 300)).toEqual({ most: 1, least: 1 });
  });
});

describe('a job that is over', () => {
  it('is asked nothing more, and nothing of it is stored', async () => {
    const model = await world.model('server', { behaviour: { delayMs: 400 } }, { ceiling: 4 });
    await world.runner();
    await world.shard('job', prompts(200));
    await until(async () => (await world.generated('job')) > 0, 20_000);
    await world.bus.kv(JOBS).put('job', { cancelRequested: true, state: 'RUNNING' } as JobRecord);
    await world.settled();
    const { total } = await model.requests();
    const stored = await world.generated('job');
    await new Promise((done) => void setTimeout(done, 1_000));
    expect((await model.requests()).total).toBe(total);
    expect(await world.generated('job')).toBe(stored);
    expect(stored).toBeLessThan(200);
  });
});

describe('repeats', () => {
  it('have seeds of their own where there is a temperature', async () => {
    const model = await world.model('server');
    await world.runner();
    await world.shard('warm', [textRequest('Q: 1?', { temperature: 0.7 })], { repeats: [0, 1, 2] });
    await world.shard('cold', [textRequest('Q: 2?')], { repeats: [0, 1, 2] });
    const warm = await world.generations('warm', 3);
    await world.generations('cold', 3);
    expect(new Set(warm.map(({ outcome }) => JSON.stringify(outcome))).size).toBeGreaterThan(1);
    const { prompts: counts } = await model.requests();
    expect([0, 1, 2].map((repeat) => counts[promptKey('Q: 1?', 1234 + repeat)]?.asked)).toEqual([1, 1, 1]);
    expect(counts[promptKey('Q: 2?', 1234)]?.asked).toBe(3);
  });
});
