import { describe, expect, it } from 'vitest';
import { bundleOf, smallTask } from '../fixtures/bundle.ts';
import { openTask } from '../open.ts';

async function settingsOf(yaml: string, genKwargs?: Record<string, unknown>) {
  const task = await openTask(bundleOf(smallTask(yaml)), { name: 'T', ...(genKwargs && { genKwargs }) }, 1);
  for await (const { request } of task.items()) if (request.type === 'generate') return request.settings;
  throw new Error('no request');
}

describe('generation settings', () => {
  it('are greedy, 256 tokens, up to the few-shot delimiter when the task says nothing', async () => {
    expect(await settingsOf('')).toEqual({ until: ['\n\n'], maxTokens: 256, temperature: 0, extra: {} });
    expect((await settingsOf('fewshot_delimiter: "##"\n')).until).toEqual(['##']);
  });

  it.each([
    ['{max_gen_toks: 9}', { maxTokens: 9, until: ['\n\n'] }],
    ['{max_gen_toks: 9, max_tokens: 5}', { maxTokens: 5 }],
    ['{until: "x"}', { until: ['x'] }],
    ['{until: []}', { until: [] }],
    ['{temperature: "0.25", do_sample: false}', { temperature: 0.25, extra: {} }],
    ['{top_p: 0.9, seed: 3, do_sample: true}', { extra: { top_p: 0.9, seed: 3 } }],
  ])('of generation_kwargs %s', async (kwargs, expected) => {
    expect(await settingsOf(`generation_kwargs: ${kwargs}\n`)).toMatchObject(expected);
  });

  it('take the overrides of the request over those of the task', async () => {
    const yaml = 'generation_kwargs: {max_gen_toks: 9, until: [a], top_p: 0.5}\n';
    expect(await settingsOf(yaml, { max_gen_toks: 3, until: ['b', 'c'], top_k: 2 })).toEqual({
      until: ['b', 'c'],
      maxTokens: 3,
      temperature: 0,
      extra: { top_p: 0.5, top_k: 2 },
    });
  });

  it('send the first four stops to the chat API', async () => {
    const yaml = 'generation_kwargs: {until: [a, b, c, d, e]}\nmetadata: {assay: {api: chat}}\n';
    expect((await settingsOf(yaml)).until).toEqual(['a', 'b', 'c', 'd']);
  });
});
