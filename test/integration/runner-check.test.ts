import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlobRef, PlanNeeds, PreparedRequest, ServerRecord } from '@assay/lib/domain';
import type { Behaviour, LogprobsMode } from '../support/model-server.ts';
import { choicesRequest, RunnerWorld, textRequest } from './runner-world.ts';

let world: RunnerWorld;

beforeAll(async () => {
  world = await RunnerWorld.start();
  await mkdir(join(world.folder, 'secrets'));
  await writeFile(join(world.folder, 'secrets', 'key'), 'the key', { mode: 0o600 });
  await chmod(join(world.folder, 'secrets'), 0o700);
  await world.runner({ ASSAY_CHECK_PATIENCE: '2s' });
});
afterAll(() => world.stop());

const CHOICES = choicesRequest('Q: the sky is\nA:', [' blue', ' green']);

const chatRequest = (content: string) =>
  ({ ...textRequest(''), prompt: [{ role: 'user', content }] }) as PreparedRequest;

async function plan(
  requests: readonly PreparedRequest[],
  needs: Partial<PlanNeeds> = {},
  longPrompt: 'truncate' | 'refuse' = 'truncate',
): Promise<BlobRef> {
  const lines = requests.map((request, doc) => ({ doc, repeats: [0], request }));
  const shard = await world.put({ v: 1, task: 'task', requests: lines, longPrompt });
  const lengths = requests.map((request) =>
    request.type === 'generate' ? request.prompt.length : (request.contexts[0]?.length ?? 0) + 10,
  );
  return world.put({
    v: 1,
    task: 'task',
    docs: requests.length,
    repeats: 1,
    shards: [{ n: 0, bucket: 0, requests: shard, docs: shard, samples: requests.length }],
    needs: {
      api: 'completions',
      logprobs: requests[0]?.type === 'choices',
      longestPromptChars: Math.max(...lengths),
      maxTokens: 1,
      ledgerBytes: 0,
      promptChars: 0,
      ...needs,
    },
  });
}

async function check(
  job: string,
  behaviour: Partial<Behaviour>,
  plans: readonly Promise<BlobRef>[],
  record: Partial<ServerRecord> = {},
) {
  await world.model(job, { behaviour }, record);
  const tasks = await Promise.all(plans.map(async (one) => ({ task: 'task', plan: await one })));
  await world.bus.work('p0').check.publish({ v: 1, job, server: job, tasks });
  return world.answer(`${job}.check`);
}

describe('a server that can do what the job needs', () => {
  it('passes with token ids', async () => {
    const answer = await check('right', {}, [plan([CHOICES])]);
    const value = { contextLength: 8_192, tokenIds: true, promptLogprobs: true, warnings: [] };
    expect(answer).toEqual({ v: 1, ok: true, value });
  });

  it('passes with strings only', async () => {
    const answer = await check('strings', { tokenIds: false, tokenizer: false }, [plan([CHOICES])]);
    expect(answer).toMatchObject({ ok: true, value: { tokenIds: false, promptLogprobs: true } });
  });

  it('is sent its key', async () => {
    const answer = await check('keyed', { apiKey: 'the key' }, [plan([CHOICES])], { secret: 'key' });
    expect(answer).toMatchObject({ ok: true });
  });

  it('need not have log-probabilities when nobody asks for them', async () => {
    const answer = await check('text', { logprobs: 'missing' }, [plan([textRequest('Q: 1?')])]);
    expect(answer).toMatchObject({ ok: true, value: { promptLogprobs: false } });
  });
});

describe('log-probabilities that are not what they say', () => {
  const modes: readonly [LogprobsMode, RegExp][] = [
    ['missing', /no choices\[0\]\.logprobs/],
    ['partial', /have no log-probability/],
    ['shifted-left', /shifted by one place/],
    ['shifted-right', /shifted by one place/],
    ['after', /do not belong to their tokens/],
    ['short', /do not make up the prompt/],
    ['other-text', /do not make up the prompt/],
  ];
  const ways = modes.flatMap(([mode, why]) => [
    [mode, 'token ids', why] as const,
    [mode, 'strings', why] as const,
  ]);
  it.each(ways)('%s, asked with %s: refused', async (mode, way, why) => {
    const behaviour = { logprobs: mode, ...(way === 'strings' && { tokenIds: false, tokenizer: false }) };
    const answer = await check(`${mode}-${way.replace(' ', '-')}`, behaviour, [plan([CHOICES])]);
    expect(answer).toMatchObject({ ok: false, reason: 'LOGPROBS_UNUSABLE' });
    expect(answer.ok ? '' : answer.message).toMatch(why);
  });
});

describe('a server that cannot', () => {
  const text = () => [plan([textRequest('Q: 1?')])];
  it.each([
    ['wrong-model', { model: 'another' }, {}, 'ENDPOINT_WRONG_MODEL'],
    ['no-key', { apiKey: 'the key' }, {}, 'ENDPOINT_UNAUTHORIZED'],
    ['chat-only', { api: 'chat' as const }, {}, 'CHAT_ONLY_ENDPOINT'],
    ['down', { down: true }, {}, 'ENDPOINT_UNREACHABLE'],
    ['nobody', {}, { baseUrl: 'http://127.0.0.1:9/v1' }, 'ENDPOINT_UNREACHABLE'],
  ])('%s', async (job, behaviour, record, reason) => {
    expect(await check(job, behaviour, text(), record)).toMatchObject({ ok: false, reason });
  });

  it('completions only, for a chat task', async () => {
    const answer = await check('completions-only', { api: 'completions' }, [
      plan([chatRequest('Q: 1?')], { api: 'chat' }),
    ]);
    expect(answer).toMatchObject({ ok: false, reason: 'REQUEST_FAILED' });
  });
});

describe('prompts longer than the context', () => {
  const long = [
    ...Array.from({ length: 3 }, (_, i) => textRequest(`${'word '.repeat(900 + i)}?`)),
    ...Array.from({ length: 40 }, () => textRequest('short?')),
  ];

  it('are counted and told where the task cuts them', async () => {
    const answer = await check('cut', { contextLength: 500 }, [plan(long, { maxTokens: 64 })]);
    expect(answer).toMatchObject({ ok: true });
    const warnings = answer.ok && 'warnings' in answer.value ? answer.value.warnings : [];
    expect(warnings).toEqual([expect.stringMatching(/^task: 3 prompts .* 500 tokens .* truncated/)]);
  });

  it('end the job where the task refuses them', async () => {
    const answer = await check('refuse', { contextLength: 500 }, [plan(long, { maxTokens: 64 }, 'refuse')]);
    expect(answer).toMatchObject({ ok: false, reason: 'PROMPT_TOO_LONG', violations: [{ field: 'task' }] });
  });

  it('are found in a chat before the first request', async () => {
    const texts = [...Array.from({ length: 3 }, (_, i) => `${'word '.repeat(900 + i)}?`), 'short?'];
    const needs = { api: 'chat' as const, longestPromptChars: 5_000, maxTokens: 64 };
    const answer = await check('chat', { api: 'chat', contextLength: 500 }, [
      plan(texts.map(chatRequest), needs, 'refuse'),
    ]);
    expect(answer).toMatchObject({ ok: false, reason: 'PROMPT_TOO_LONG' });
    expect(answer.ok ? '' : answer.message).toMatch(/3 prompts .* without the chat template/);
  });
});
