import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationOutcome } from '@assay/lib/domain';
import { type Behaviour, type FaultRule, type ModelServer, promptKey } from '../support/model-server.ts';
import { choicesRequest, RunnerWorld, textRequest } from './runner-world.ts';

// One broker and one runner; every case has a job and a model server of its own.
let world: RunnerWorld;

beforeAll(async () => {
  world = await RunnerWorld.start();
  await world.runner({ ASSAY_REQUEST_TIMEOUT: '1500ms', ASSAY_REQUEST_ATTEMPTS: '3' });
});
afterAll(() => world.stop());

async function ask(
  name: string,
  behaviour: Partial<Behaviour>,
  prompt = 'Q: 1 + 1?\nA:',
): Promise<{ outcome: GenerationOutcome; model: ModelServer }> {
  const model = await world.model(name, { behaviour });
  await world.shard(name, [textRequest(prompt)], { server: name });
  const [outcome] = await world.outcomes(name, 1);
  if (outcome === undefined) throw new Error('no outcome');
  return { outcome, model };
}

const rule = (change: Partial<FaultRule> & Pick<FaultRule, 'mode'>): Partial<Behaviour> => ({
  faults: [{ match: '+ 1', ...change }],
});

describe('what goes wrong once is asked again', () => {
  it.each([
    ['status-500', rule({ mode: 'status', attempts: 2 })],
    ['status-503', rule({ mode: 'status', status: 503, attempts: 4 })],
    ['garbage', rule({ mode: 'garbage', attempts: 2 })],
    ['half', rule({ mode: 'half', attempts: 2 })],
    ['reset', rule({ mode: 'reset', attempts: 2 })],
    ['empty', rule({ mode: 'empty', attempts: 2 })],
    ['silent', rule({ mode: 'silent', attempts: 1 })],
  ])('%s', async (name, behaviour) => {
    const { outcome } = await ask(name, behaviour);
    expect(outcome).toMatchObject({ ok: true, type: 'text', response: { finishReason: 'stop' } });
  });
});

describe('what goes wrong every time is a fault, never an answer', () => {
  it.each([
    ['always-500', rule({ mode: 'status' }), 'REQUEST_FAILED', 3],
    ['always-400', rule({ mode: 'status', status: 400 }), 'REQUEST_FAILED', 1],
    ['always-401', rule({ mode: 'status', status: 401 }), 'ENDPOINT_UNAUTHORIZED', 1],
    ['always-garbage', rule({ mode: 'garbage' }), 'RESPONSE_INVALID', 3],
    ['always-half', rule({ mode: 'half' }), 'RESPONSE_INVALID', 3],
    ['always-empty', rule({ mode: 'empty' }), 'RESPONSE_INVALID', 3],
    ['always-reset', rule({ mode: 'reset' }), 'REQUEST_FAILED', 3],
    ['never', rule({ mode: 'silent' }), 'TIMED_OUT', 3],
    ['drip', rule({ mode: 'drip', pauseMs: 200 }), 'TIMED_OUT', 3],
  ])('%s', async (name, behaviour, reason, attempts) => {
    const { outcome, model } = await ask(name, behaviour);
    expect(outcome).toMatchObject({ ok: false, fault: { reason, attempts } });
    const { prompts } = await model.requests();
    // The runner's questions about the server itself are among the prompts.
    expect(Math.max(...Object.values(prompts).map((count) => count.asked))).toBe(attempts);
  });
});

describe('hostile answers', () => {
  it('keeps a huge answer as a blob', async () => {
    const { outcome } = await ask('huge', rule({ mode: 'huge', bytes: 3_000_000 }));
    expect(outcome.ok && outcome.type === 'text' && outcome.response.text).toBe('x'.repeat(3_000_000));
    const [generation] = await world.generations('huge', 1);
    expect(generation?.outcome).toHaveProperty('blob');
  });

  it('replaces lone surrogates and keeps NUL', async () => {
    const { outcome } = await ask('surrogates', rule({ mode: 'surrogates' }));
    expect(outcome).toMatchObject({ response: { text: 'a\ufffdb\ufffdc\u0000d' } });
  });

  it('replaces bytes that are not UTF-8', async () => {
    const { outcome } = await ask('invalid-utf8', rule({ mode: 'invalid-utf8' }));
    expect(outcome.ok && outcome.type === 'text' && outcome.response.text).toMatch(/^a\ufffd+b$/);
  });
});

describe('prompts that do not fit', () => {
  const long = `${'word '.repeat(400)}Q: 1 + 1?\nA:`;

  it('are cut on the left where the task says so, and counted', async () => {
    await ask('cut', { contextLength: 200 }, long);
    const [generation] = await world.generations('cut', 1);
    expect(generation).toMatchObject({ outcome: { ok: true } });
    // 200 of context, one spare as the harness keeps it, 64 to generate.
    expect(generation?.usage.promptTokens).toBeLessThanOrEqual(135);
    expect(generation?.truncatedTokens).toBeGreaterThan(250);
  });

  it('are refused where the task says so', async () => {
    await world.model('refuse', { behaviour: { contextLength: 200 } });
    await world.shard('refuse', [textRequest(long)], { server: 'refuse', longPrompt: 'refuse' });
    const [outcome] = await world.outcomes('refuse', 1);
    expect(outcome).toMatchObject({ ok: false, fault: { reason: 'PROMPT_TOO_LONG', attempts: 1 } });
  });

  it('are cut for choices too, the continuation never', async () => {
    await world.model('cut-choices', { behaviour: { contextLength: 200 } });
    await world.shard('cut-choices', [choicesRequest(long, [' two', ' three'])], { server: 'cut-choices' });
    const [generation] = await world.generations('cut-choices', 1);
    expect(generation).toMatchObject({ outcome: { ok: true, type: 'choices' } });
    expect(generation?.truncatedTokens).toBeGreaterThan(400);
  });
});

describe('a server that is away', () => {
  it('is waited for, and no try is used up', async () => {
    const model = await world.model('away', { behaviour: { down: false }, ownProcess: true });
    await model.kill();
    await world.shard('away', [textRequest('Q: 1 + 1?\nA:')], { server: 'away' });
    await new Promise((done) => void setTimeout(done, 1_000));
    expect(await world.generated('away')).toBe(0);
    await world.model('away', { ownProcess: true, port: model.port });
    const [outcome] = await world.outcomes('away', 1);
    expect(outcome).toMatchObject({ ok: true });
  });

  it('is found at its new address', async () => {
    await world.announceModel('moves', { baseUrl: 'http://127.0.0.1:9/v1' });
    await world.shard('moves', [textRequest('Q: 1 + 1?\nA:')], { server: 'moves' });
    await world.model('moves');
    const [outcome] = await world.outcomes('moves', 1);
    expect(outcome).toMatchObject({ ok: true });
  });
});

describe('a server that says 429', () => {
  it('is asked more slowly until all is answered', async () => {
    const behaviour = { limit: 4, delayMs: 20, retryAfter: '0.1' };
    const model = await world.model('limited', { behaviour }, { ceiling: 64 });
    const requests = Array.from({ length: 200 }, (_, i) => textRequest(`Q: ${i} + 1?\nA:`));
    await world.shard('limited', requests, { server: 'limited' });
    const outcomes = await world.outcomes('limited', 200);
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    const { statuses, peakInFlight } = await model.requests();
    expect(peakInFlight).toBeGreaterThanOrEqual(4);
    expect(statuses['429']).toBeGreaterThan(0);
  });
});

describe('the chat API', () => {
  const settings = { until: ['1', '2', '3', '4', ' gives'], maxTokens: 64, temperature: 0, extra: {} };
  const messages = [{ role: 'user' as const, content: 'Q: 1 + 1?' }];

  it('is asked with the messages, at most four stops, and cut at all of them', async () => {
    const stops: unknown[] = [];
    const model = await world.model('chat', {
      behaviour: { api: 'chat' },
      script: ({ body }) => {
        stops.push(body['stop']);
        return ' Step 9 gives 8';
      },
    });
    await world.shard('chat', [{ type: 'generate', prompt: messages, settings }], { server: 'chat' });
    const [outcome] = await world.outcomes('chat', 1);
    expect(outcome).toMatchObject({ ok: true, response: { text: ' Step 9' } });
    expect(stops).toEqual([['1', '2', '3', '4']]);
    const { prompts } = await model.requests();
    expect(prompts[promptKey(JSON.stringify(messages), 1234)]?.asked).toBe(1);
  });

  it('has its failures asked again too', async () => {
    await world.model('chat-half', { behaviour: { api: 'chat', faults: [{ mode: 'half', attempts: 1 }] } });
    await world.shard('chat-half', [{ type: 'generate', prompt: messages, settings }], {
      server: 'chat-half',
    });
    expect((await world.outcomes('chat-half', 1))[0]).toMatchObject({ ok: true });
  });
});
