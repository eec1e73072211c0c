import { describe, expect, it } from 'vitest';
import { retryAfterOf } from './http-client.ts';
import { chatOf, completionOf, echoOf, modelsOf, objectOf, tokenizerInfoOf } from './openai-reply.ts';

const answer = (status: number, body: unknown) =>
  objectOf({ ok: true, status, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });

describe('a status', () => {
  const error = (message: string) => ({ error: { message } });
  it.each([
    [429, error('slow down'), 'limited'],
    [503, error('loading'), 'overloaded'],
    [500, error('oops'), 'server-error'],
    [502, '<html>', 'server-error'],
    [401, error('key'), 'unauthorized'],
    [403, error('key'), 'unauthorized'],
    [404, error('no such model'), 'refused'],
    [405, '', 'refused'],
    [501, '', 'refused'],
    [302, '', 'refused'],
    [408, '', 'timed-out'],
    [422, error('Input should be a valid string'), 'refused'],
    [
      400,
      error("This model's maximum context length is 2048 tokens. However, you requested 3000."),
      'too-long',
    ],
    [400, error('the request exceeds the available context size (512 tokens)'), 'too-long'],
    [400, error('Requested tokens (700) exceed context window of 512'), 'too-long'],
    [400, error('temperature must be a number'), 'refused'],
  ])('%i with %j is %s', (status, body, kind) => {
    expect(answer(status, body)).toMatchObject({ ok: false, kind, status });
  });

  it('says what the server said', () => {
    expect(answer(400, { error: { message: 'no' } })).toMatchObject({ detail: 'no' });
    expect(answer(400, { detail: 'neither' })).toMatchObject({ detail: 'neither' });
    expect(answer(500, 'plain')).toMatchObject({ detail: '"plain"' });
  });
});

describe('a body', () => {
  it.each(['', '<html>', '[1]', 'null', '"text"'])('that is no object is invalid: %s', (body) => {
    expect(answer(200, body)).toMatchObject({ ok: false, kind: 'invalid' });
  });

  it.each([[{}], [{ choices: [] }], [{ choices: [{}] }], [{ choices: [{ text: 1 }] }], [{ choices: 'x' }]])(
    'without a text is invalid: %j',
    (body) => {
      expect(completionOf(body)).toMatchObject({ ok: false, kind: 'invalid' });
      expect(chatOf(body)).toMatchObject({ ok: false, kind: 'invalid' });
    },
  );

  it('may lack usage and reason, and chat content may be null', () => {
    const usage = { promptTokens: 0, completionTokens: 0 };
    expect(completionOf({ choices: [{ text: 'a' }] })).toEqual({
      ok: true,
      value: { text: 'a', finishReason: '', usage },
    });
    expect(chatOf({ choices: [{ message: { content: null } }] })).toMatchObject({
      ok: true,
      value: { text: '' },
    });
  });

  it('with lists of different lengths is invalid', () => {
    const logprobs = { tokens: ['a', 'b'], token_logprobs: [null], top_logprobs: [null, null] };
    expect(echoOf({ choices: [{ text: 'ab', logprobs }] })).toMatchObject({ ok: false, kind: 'invalid' });
  });

  it('tells the best of the likeliest tokens', () => {
    const logprobs = {
      tokens: ['a', 'b'],
      token_logprobs: [null, -2],
      top_logprobs: [null, { c: -1, b: -2 }],
    };
    expect(echoOf({ choices: [{ logprobs }] })).toMatchObject({
      value: { logprobs: [null, -2], best: [null, -1] },
    });
  });

  it('tells context lengths that mean something', () => {
    const data = [{ id: 'a', max_model_len: 2048 }, { id: 'b' }, { nothing: 1 }];
    expect(modelsOf({ data })).toEqual({
      ok: true,
      value: [
        { id: 'a', contextLength: 2048 },
        { id: 'b', contextLength: 0 },
      ],
    });
    const endless = { eos_token: '</s>', bos_token: null, model_max_length: 1e30 };
    expect(tokenizerInfoOf(endless)).toEqual({ ok: true, value: { prefixToken: '</s>', contextLength: 0 } });
  });

  it('with an error is no tokenizer', () => {
    expect(tokenizerInfoOf({ error: 'Not Found' })).toMatchObject({ ok: false, kind: 'invalid' });
  });
});

describe('Retry-After', () => {
  it.each([
    ['2', 2_000],
    ['0.5', 500],
    ['Thu, 01 Jan 1970 00:00:10 GMT', 9_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%j', (header, ms) => {
    expect(retryAfterOf(header, 1_000)).toBe(ms);
  });
});
