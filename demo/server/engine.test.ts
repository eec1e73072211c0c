import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine, readsTheSame } from './engine.ts';
import type { PromptScores } from './engine.ts';
import { fakeSequence } from './testing/fake-model.ts';

const never = new AbortController().signal;
const prompt = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 40 });
const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 1 };

function fromScratch(tokens: readonly number[], topCount: number): Promise<PromptScores> {
  return createEngine(fakeSequence(), false).score(tokens, topCount, never);
}

async function take<T>(generator: AsyncGenerator<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of generator) if (taken.push(item) >= count) break;
  return taken;
}

describe('engine', () => {
  it('scores a prompt the same whatever was asked before', async () => {
    const asks = fc.array(
      fc.record({ prompt, top: fc.integer({ min: 0, max: 4 }), generate: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(asks, async (list) => {
        const engine = createEngine(fakeSequence(), true);
        for (const ask of list) {
          if (ask.generate) await take(engine.sample(ask.prompt, greedy, never), 3);
          const scores = await engine.score(ask.prompt, ask.top, never);
          const exact = await fromScratch(ask.prompt, ask.top);
          expect(scores.tokens.map((score) => [score.token, score.logprob])).toEqual(
            exact.tokens.map((score) => [score.token, score.logprob]),
          );
          expect(scores.next.logprob).toBe(exact.next.logprob);
          for (const score of scores.tokens) expect(score.top.length).toBeGreaterThanOrEqual(ask.top);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('scores every token but the first, and says what follows the prompt', async () => {
    const scores = await fromScratch([5, 6, 9], 2);
    expect(scores.tokens.map((score) => score.token)).toEqual([6, 9]);
    expect(scores.tokens[0]?.top[0]).toEqual([6, scores.tokens[0]?.logprob]);
    expect(scores.tokens[1]?.top.map(([token]) => token)).not.toContain(9);
    expect(scores.next.token).toBe(10);
  });

  it('reads only what differs from the prompt before', async () => {
    const sequence = fakeSequence();
    const engine = createEngine(sequence, true);
    await engine.score([1, 2, 3, 4], 1, never);
    await engine.score([1, 2, 3, 9], 1, never);
    expect(sequence.reads).toEqual([1, 2, 3, 4, 3, 9]);
  });

  it('reads every prompt whole where the machine asks for it', async () => {
    const sequence = fakeSequence(0.1);
    expect(await readsTheSame(sequence, [1, 2, 3, 4, 5, 6])).toBe(false);
    expect(await readsTheSame(fakeSequence(), [1, 2, 3, 4, 5, 6])).toBe(true);
    sequence.reads.length = 0;
    const engine = createEngine(sequence, false);
    await engine.score([1, 2, 3], 1, never);
    await engine.score([1, 2, 4], 1, never);
    expect(sequence.reads).toEqual([1, 2, 3, 1, 2, 4]);
  });

  it('continues greedily from a scored prompt without reading it again', async () => {
    const sequence = fakeSequence();
    const engine = createEngine(sequence, true);
    const scores = await engine.score([1, 2, 3], 1, never);
    const steps = await take(engine.likeliest([1, 2, 3], 1, never, scores.next), 3);
    expect(steps.map((step) => step.token)).toEqual([4, 5, 6]);
    expect(sequence.reads).toEqual([1, 2, 3, 4, 5]);
  });

  it('draws each step with a seed of its own, the same ones for the same seed', async () => {
    const engine = createEngine(fakeSequence(), true);
    const hot = { ...greedy, temperature: 1, seed: 42 };
    const first = await take(engine.sample([1, 2], hot, never), 20);
    const again = await take(engine.sample([1, 2], hot, never), 20);
    const other = await take(engine.sample([1, 2], { ...hot, seed: 43 }, never), 20);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(5);
  });

  it('stops when the caller is gone', async () => {
    const gone = new AbortController();
    gone.abort(new Error('gone'));
    const engine = createEngine(fakeSequence(), true);
    await expect(engine.score([1, 2], 1, gone.signal)).rejects.toThrow('gone');
    await expect(take(engine.sample([1, 2], greedy, gone.signal), 1)).rejects.toThrow('gone');
  });
});
