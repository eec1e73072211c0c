import { describe, expect, it } from 'vitest';
import { askOf, cutAtStops } from './text.ts';

const question = (temperature: number, repeat: number) => ({
  request: {
    type: 'generate' as const,
    prompt: 'Q',
    settings: { until: ['\n'], maxTokens: 8, temperature, extra: { top_p: 0.9 } },
  },
  repeat,
  seed: 1234,
  longPrompt: 'truncate' as const,
});

describe('what is asked for', () => {
  it('has the job’s seed when it is greedy, and one for each repeat when it is not', () => {
    expect([0, 1, 2].map((repeat) => askOf(question(0, repeat)).seed)).toEqual([1234, 1234, 1234]);
    expect([0, 1, 2].map((repeat) => askOf(question(0.7, repeat)).seed)).toEqual([1234, 1235, 1236]);
  });

  it('carries the task’s other settings as they are', () => {
    expect(askOf(question(0, 0))).toMatchObject({ until: ['\n'], maxTokens: 8, extra: { top_p: 0.9 } });
  });
});

describe('cutting an answer at its stops', () => {
  it.each([
    ['4\nQ: next', ['\n'], '4'],
    ['4 Q: a', ['Q:', '4'], ''],
    ['no stop here', ['\n'], 'no stop here'],
    ['all of it', [''], 'all of it'],
    ['a</s>b', ['Q:', '</s>'], 'a'],
  ])('%j at %j', (text, until, cut) => {
    expect(cutAtStops(text, until)).toBe(cut);
  });
});
