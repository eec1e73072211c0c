import { describe, expect, it } from 'vitest';
import { solveChoices } from '../generate/solvers/choices.ts';
import type { EchoReply, ModelEndpoint } from '../ports.ts';
import { judgeProbe } from './probe.ts';
import { probeText } from './probe-text.ts';

const probe = probeText();
const WORDS = [...probe.text.matchAll(/ ?\S+/g)].map(([word]) => word);

// A model that has seen the pattern twice, with a word that is generated at the end.
function honest(): EchoReply {
  const surprises = new Set(probe.surprises);
  let offset = 0;
  const logprobs: (number | null)[] = WORDS.map((word, i) => {
    const at = offset;
    offset += word.length;
    if (i === 0) return null;
    return i < 16 ? -6 : surprises.has(at) ? -11 : -0.05;
  });
  const best = logprobs.map((logprob) => (logprob === null ? null : Math.max(logprob, -0.3)));
  return {
    tokens: [...WORDS, ' end'],
    logprobs: [...logprobs, -1],
    best: [...best, -1],
    usage: { promptTokens: WORDS.length, completionTokens: 1 },
  };
}

const shifted = (by: 1 | -1): EchoReply => {
  const echo = honest();
  const move = (list: readonly (number | null)[]) =>
    list.map((_, i) => list[i + by] ?? (i === 0 ? null : -1));
  return { ...echo, logprobs: move(echo.logprobs), best: move(echo.best) };
};

describe('the probe', () => {
  it('accepts a server whose numbers belong to their tokens', () => {
    expect(judgeProbe(probe, honest(), WORDS.length)).toBeNull();
    expect(judgeProbe(probe, honest(), null)).toBeNull();
  });

  it('accepts a token that the server puts in front, and marks for spaces', () => {
    const echo = honest();
    const marked = echo.tokens.map((token) => token.replace(' ', '\u2581'));
    const front = {
      ...echo,
      tokens: ['<s>', ...marked],
      logprobs: [null, -3, ...echo.logprobs.slice(1)],
      best: [null, -3, ...echo.best.slice(1)],
    };
    expect(judgeProbe(probe, front, null)).toBeNull();
  });

  it.each([
    ['shifted to the left', shifted(1), /shifted by one place/],
    ['shifted to the right', shifted(-1), /shifted by one place/],
    [
      'partial',
      { ...honest(), logprobs: honest().logprobs.map((lp, i) => (i > 40 ? lp : null)) },
      /no log-prob/,
    ],
    ['without ranks', { ...honest(), best: honest().best.map(() => null) }, /top_logprobs/],
    ['of other tokens', { ...honest(), tokens: honest().tokens.map((t) => `${t}?`) }, /make up the prompt/],
    ['all alike', { ...honest(), logprobs: honest().logprobs.map(() => -0.1) }, /do not belong|shifted/],
    ['all unlikely', { ...honest(), logprobs: honest().logprobs.map(() => -9) }, /do not belong/],
  ])('refuses numbers that are %s', (_name, echo, why) => {
    expect(judgeProbe(probe, echo, null)).toMatch(why);
  });

  it.each([
    ['as U+FFFD', '\ufffd', true],
    ['as bytes', '<0xF0>', false],
  ])('takes a character shown %s only if the places behind it are known', (_name, part, taken) => {
    const split = probeText('\u{1318F}\n');
    const echo = honest();
    const front = { tokens: [part, part, part, part, '\n'], numbers: [null, -9, -9, -9, -1] };
    const behind = {
      ...echo,
      tokens: [...front.tokens, ...echo.tokens],
      logprobs: [...front.numbers, -6, ...echo.logprobs.slice(1)],
      best: [...front.numbers, -6, ...echo.best.slice(1)],
    };
    const why = judgeProbe(split, behind, null);
    expect(why === null).toBe(taken);
    if (why !== null) expect(why).toMatch(/do not make up the prompt/);
  });

  it('refuses another count than was sent', () => {
    expect(judgeProbe(probe, honest(), WORDS.length + 1)).toMatch(/were sent/);
  });
});

describe('a server that the probe accepts', () => {
  const control = { timeoutMs: 1, signal: new AbortController().signal };
  const usage = { promptTokens: 0, completionTokens: 0 };
  const ways: readonly (readonly [string, (prompt: string) => readonly string[]])[] = [
    ['as they are', (prompt) => pieces(prompt)],
    ['with SentencePiece marks', (prompt) => pieces(prompt).map((token) => token.replace(' ', '\u2581'))],
    [
      'with byte-level marks',
      (prompt) => pieces(prompt).map((token) => token.replace(' ', '\u0120').replace('\n', '\u010a')),
    ],
    ['behind a first token', (prompt) => ['<s>', ...pieces(prompt)]],
  ];
  const pieces = (prompt: string) => prompt.match(/ ?[^ \n]+|\n/g) ?? [];

  it.each(ways)('has its choices scored: tokens %s', async (_name, shown) => {
    const echo = (prompt: string): EchoReply => {
      const tokens = [...shown(prompt), ' x'];
      const front = tokens.length - 1 - pieces(prompt).length;
      let offset = 0;
      const logprobs = tokens.map((token, i) => {
        const at = i < front ? -1 : (offset += token.length) - token.length;
        return i === 0 ? null : probe.surprises.includes(at) ? -11 : -0.05;
      });
      return {
        tokens,
        logprobs,
        best: logprobs.map((lp) => (lp === null ? null : Math.max(lp, -0.05))),
        usage,
      };
    };
    expect(judgeProbe(probe, echo(probe.text), null)).toBeNull();
    const endpoint = {
      echo: (prompt: string) => Promise.resolve({ ok: true, value: echo(prompt) }),
    } as Partial<ModelEndpoint> as ModelEndpoint;
    const profile = { tokenizer: false, prefixId: null, contextLength: 0 };
    const request = {
      type: 'choices' as const,
      contexts: ['Question: is it\nAnswer:'],
      pairs: [{ context: 0, continuation: ' yes it is' }],
    };
    const solved = await solveChoices(
      { request, repeat: 0, seed: 1, longPrompt: 'truncate' },
      {
        profile: () => Promise.resolve({ ok: true, value: profile }),
        tokenIds: () => Promise.resolve({ ok: true, value: false }),
        ask: async (question) => {
          const reply = await question(endpoint, control);
          return reply.ok ? reply : { ok: false, fault: { reason: reply.kind, detail: '', attempts: 1 } };
        },
      },
    );
    expect(solved?.outcome).toEqual({
      ok: true,
      type: 'choices',
      responses: [[expect.closeTo(-0.15), true]],
    });
  });
});
