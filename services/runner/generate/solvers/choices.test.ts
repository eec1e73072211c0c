import { describe, expect, it } from 'vitest';
import type { ChoicesRequest } from '@assay/lib/domain';
import type { EchoReply, ModelEndpoint, Prompt, Reply } from '../../ports.ts';
import type { Profile } from '../profile.ts';
import { solveChoices } from './choices.ts';
import type { Asking } from './solve.ts';

// One token for each word with the space before it; its id is its place in the list, its log-probability −id / 8.
const VOCABULARY = ['<s>', 'a', ' b', ' c', ' d', ' e', ' c', ' f'];
const idsOf = (text: string) => Array.from(text.matchAll(/<s>| ?\w+/g), ([word]) => VOCABULARY.indexOf(word));

class Words {
  readonly asked: Prompt[] = [];
  readonly #byIds: boolean;
  readonly #generates: number;

  constructor(byIds: boolean, generates = 1) {
    this.#byIds = byIds;
    this.#generates = generates;
  }

  tokenize = (text: string) => Promise.resolve({ ok: true, value: idsOf(text) } as const);

  echo = (prompt: Prompt): Promise<Reply<EchoReply>> => {
    this.asked.push(prompt);
    const ids = typeof prompt === 'string' ? idsOf(prompt) : prompt;
    const all = [...ids, ...Array.from({ length: this.#generates }, () => 7)];
    const logprobs = all.map((id, i) => (i === 0 ? null : -id / 8));
    // The odd ones are the likeliest; for the even ones something else is.
    const best = all.map((id, i) => (i === 0 ? null : id % 2 === 1 ? -id / 8 : -0.01));
    const tokens = all.map((id) => VOCABULARY[id] ?? '');
    const usage = { promptTokens: ids.length, completionTokens: this.#generates };
    return Promise.resolve({ ok: true, value: { tokens, logprobs, best, usage } });
  };

  asking(profile: Partial<Profile> = {}): Asking {
    const described = { tokenizer: true, prefixId: 0, contextLength: 0, ...profile };
    const endpoint = this as Partial<ModelEndpoint> as ModelEndpoint;
    const control = { timeoutMs: 1, signal: new AbortController().signal };
    return {
      profile: () => Promise.resolve({ ok: true, value: described }),
      tokenIds: () => Promise.resolve({ ok: true, value: this.#byIds }),
      ask: async (question) => {
        const reply = await question(endpoint, control);
        if (reply.ok) return reply;
        return { ok: false, fault: { reason: reply.kind, detail: reply.detail, attempts: 1 } };
      },
    };
  }
}

const request = (context: string, ...continuations: string[]): ChoicesRequest => ({
  type: 'choices',
  contexts: [context],
  pairs: continuations.map((continuation) => ({ context: 0, continuation })),
});

const solve = (
  words: Words,
  asked: ChoicesRequest,
  profile: Partial<Profile> = {},
  longPrompt: 'truncate' | 'refuse' = 'truncate',
) => solveChoices({ request: asked, repeat: 0, seed: 1, longPrompt }, words.asking(profile));

describe('log-likelihoods of choices', () => {
  it.each([true, false])(
    'sum the continuation’s tokens only, and say whether all were likeliest (ids: %s)',
    async (byIds) => {
      const words = new Words(byIds);
      const solved = await solve(words, request('a b', ' c d', ' c e'));
      expect(solved?.outcome).toEqual({
        ok: true,
        type: 'choices',
        responses: [
          [-7 / 8, false],
          [-8 / 8, true],
        ],
      });
      expect(words.asked).toEqual(
        byIds
          ? [
              [1, 2, 3, 4],
              [1, 2, 3, 5],
            ]
          : ['a b c d', 'a b c e'],
      );
      expect(solved?.usage).toEqual({ promptTokens: 8, completionTokens: 2 });
    },
  );

  it('are the same from a server that generates no token beside the prompt', async () => {
    const solved = await solve(new Words(true, 0), request('a b', ' c e'));
    expect(solved?.outcome).toMatchObject({ responses: [[-1, true]] });
  });

  it('put the prefix token in front of a continuation without context, unless it begins with it', async () => {
    const words = new Words(true);
    await solve(words, request('', ' c', '<s> c'));
    expect(words.asked).toEqual([
      [0, 3],
      [0, 3],
    ]);
  });

  it('keep the last tokens of what does not fit, and count the others', async () => {
    const words = new Words(true);
    const solved = await solve(words, request('a b b b b', ' c e'), { contextLength: 5 });
    expect(words.asked).toEqual([[2, 2, 3, 5]]);
    expect(solved).toMatchObject({ truncatedTokens: 3, outcome: { responses: [[-1, true]] } });
  });

  it('are refused where a prompt may not be cut, or no context is left', async () => {
    const long = request('a b b b b', ' c e');
    const refused = await solve(new Words(true), long, { contextLength: 5 }, 'refuse');
    expect(refused?.outcome).toMatchObject({ ok: false, fault: { reason: 'too-long' } });
    const none = await solve(new Words(true), long, { contextLength: 3 });
    expect(none?.outcome).toMatchObject({ ok: false, fault: { reason: 'too-long' } });
  });

  it('are not made up where a number is missing', async () => {
    const words = new Words(true);
    const { echo } = words;
    words.echo = async (prompt) => {
      const reply = await echo(prompt);
      if (!reply.ok) return reply;
      return { ok: true, value: { ...reply.value, logprobs: reply.value.logprobs.with(2, null) } };
    };
    const solved = await solve(words, request('a b', ' c d'));
    expect(solved?.outcome).toMatchObject({ ok: false, fault: { reason: 'invalid' } });
  });
});

describe('log-likelihoods of choices that go as text', () => {
  const words = (prompt: string) => prompt.match(/\s*\S+/g) ?? [];
  const solveShown = (shown: (prompt: string) => readonly string[], asked: ChoicesRequest) => {
    const server = new Words(false);
    server.echo = (prompt) => {
      const tokens = typeof prompt === 'string' ? [...shown(prompt), ' x'] : [];
      const logprobs = tokens.map((_, i) => (i === 0 ? null : -i));
      const usage = { promptTokens: 0, completionTokens: 0 };
      return Promise.resolve({ ok: true, value: { tokens, logprobs, best: logprobs, usage } });
    };
    return solve(server, asked, { tokenizer: false });
  };

  it('count a token that lies across the border', async () => {
    const solved = await solveShown(words, request('Answer: 1', '2', ' 3'));
    expect(solved?.outcome).toMatchObject({
      responses: [
        [-1, true],
        [-2, true],
      ],
    });
  });

  it.each([
    ['an empty context', '', ' yes'],
    ['a context inside the first token', 'A', 'nswer'],
    ['a continuation without a token', 'Answer: 1', ''],
  ])('are refused, not made up, for %s', async (_name, context, continuation) => {
    const solved = await solveShown(words, request(context, continuation));
    expect(solved?.outcome).toMatchObject({ ok: false, fault: { reason: 'refused' } });
  });

  it.each(['<s>', ''])(
    'begin after a token %j that the server puts in front of an empty context',
    async (front) => {
      const solved = await solveShown((prompt) => [front, ...words(prompt)], request('', ' no way'));
      expect(solved?.outcome).toMatchObject({ responses: [[-3, true]] });
    },
  );

  // As byte-level vocabularies cut what they have no token for: a duck is three tokens.
  const cut = (prompt: string) => prompt.match(/\s?\p{So}|\s*[^\s\p{So}]+/gu)?.flatMap(inBytes) ?? [];
  const inBytes = (word: string) =>
    /\p{So}/u.test(word) ? [word.replace(/\p{So}/u, '\ufffd'), '\ufffd', '\ufffd'] : [word];

  it.each([
    ['in the context', 'A 🦆 is', ' yes', [5]],
    ['at the end of the context', 'A 🦆', ' yes', [4]],
    ['in the continuation', 'A', ' 🦆 is', [1, 2, 3, 4]],
    ['right after the context', 'A ', '🦆 is', [1, 2, 3, 4]],
    ['at the end of all', 'A', ' two 🦆', [1, 2, 3, 4]],
  ])('resynchronise after a split character %s', async (_name, context, continuation, at) => {
    const solved = await solveShown(cut, request(context, continuation));
    expect(solved?.outcome).toMatchObject({ responses: [[-at.reduce((a, b) => a + b), true]] });
  });

  it('are refused where they begin among characters that were split together', async () => {
    const solved = await solveShown(cut, request('A 🦆', '🦆 is'));
    expect(solved?.outcome).toMatchObject({ ok: false, fault: { reason: 'refused' } });
  });
});
