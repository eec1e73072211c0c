import { once } from 'node:events';
import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEngine } from './engine.ts';
import { createApi } from './http.ts';
import { createQueue } from './queue.ts';
import { asciiVocabulary, fakeSequence } from './testing/fake-model.ts';

let server: Server;
let base: string;
let stop: AbortController;

beforeEach(async () => {
  stop = new AbortController();
  server = createApi(
    {
      modelId: 'ascii',
      contextLength: 64,
      vocabulary: asciiVocabulary,
      engine: createEngine(fakeSequence(), true),
      chatTemplate: '{{ messages }}',
      renderChat: (messages) =>
        messages.map((message) => `${message.role}:${String(message.content)}`).join('|'),
    },
    createQueue(1),
    stop.signal,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function post(path: string, body: unknown) {
  const response = await fetch(base + path, { method: 'POST', body: JSON.stringify(body) });
  const json: unknown = await response.json();
  return { status: response.status, json, headers: response.headers };
}

describe('completions', () => {
  it('echoes a prompt with log-probabilities, the first one null, and one generated token', async () => {
    const { json } = await post('/v1/completions', {
      model: 'ascii',
      prompt: [[97, 98, 120]],
      echo: true,
      logprobs: 1,
      max_tokens: 1,
      temperature: 0,
      seed: 1234,
    });
    expect(json).toMatchObject({
      choices: [
        {
          index: 0,
          text: 'abxy',
          finish_reason: 'length',
          logprobs: {
            tokens: ['a', 'b', 'x', 'y'],
            token_logprobs: [null, expect.any(Number), expect.any(Number), expect.any(Number)],
            top_logprobs: [
              null,
              { b: expect.any(Number) },
              { c: expect.any(Number), x: expect.any(Number) },
              { y: expect.any(Number) },
            ],
            text_offset: [0, 1, 2, 3],
          },
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
    });
  });

  it('gives exactly the prompt for max_tokens 0', async () => {
    const { json } = await post('/v1/completions', {
      prompt: 'ab',
      echo: true,
      logprobs: 0,
      max_tokens: 0,
      temperature: 0,
    });
    expect(json).toMatchObject({ choices: [{ text: 'ab', logprobs: { tokens: ['a', 'b'] } }] });
  });

  it('answers several prompts in their order', async () => {
    const { json } = await post('/v1/completions', { prompt: ['a', 'x'], max_tokens: 2, temperature: 0 });
    expect(json).toMatchObject({
      choices: [
        { index: 0, text: 'bc' },
        { index: 1, text: 'yz' },
      ],
    });
  });

  it('cuts at the stop sequence', async () => {
    const { json } = await post('/v1/completions', {
      prompt: 'a',
      max_tokens: 9,
      temperature: 0,
      stop: ['de', 'f'],
    });
    expect(json).toMatchObject({ choices: [{ text: 'bc', finish_reason: 'stop' }] });
  });

  it('ends at the end token, which leaves no text', async () => {
    const { json } = await post('/v1/completions', { prompt: '~', max_tokens: 9, temperature: 0 });
    expect(json).toMatchObject({
      choices: [{ text: '\x7f', finish_reason: 'stop' }],
      usage: { completion_tokens: 2 },
    });
  });

  it('answers a chat', async () => {
    const { json } = await post('/v1/chat/completions', {
      messages: [{ role: 'user', content: 'a' }],
      max_tokens: 2,
      temperature: 0,
    });
    expect(json).toMatchObject({ choices: [{ message: { role: 'assistant', content: 'bc' } }] });
  });
});

describe('wrong requests', () => {
  it.each([
    [{ prompt: 'a', max_tokens: -1, best: 1 }, 400, ['max_tokens', 'best'], null],
    [{ max_tokens: 1 }, 400, ['prompt'], null],
    [{ prompt: '' }, 400, ['prompt.0'], null],
    [{ prompt: [[1, 500]] }, 400, ['prompt.0'], null],
    [{ prompt: 'a', stream: true }, 400, ['stream'], null],
    [{ prompt: 'a', logprobs: 1, temperature: 0.5 }, 400, ['logprobs'], null],
    [{ prompt: 'a', max_tokens: 64 }, 400, ['context length'], 'context_length_exceeded'],
    [{ prompt: 'a', model: 'other' }, 404, ['other', 'ascii'], 'model_not_found'],
  ])('%j: %i, naming %j', async (body, status, names, code) => {
    const answer = await post('/v1/completions', body);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ error: { type: 'invalid_request_error', code } });
    for (const name of names) expect(JSON.stringify(answer.json)).toContain(name);
  });

  it('a body that is not JSON', async () => {
    const response = await fetch(`${base}/v1/completions`, { method: 'POST', body: '{' });
    expect(response.status).toBe(400);
  });
});

describe('tokenizer routes', () => {
  it('say what lm_eval asks', async () => {
    const info: unknown = await (await fetch(`${base}/tokenizer_info`)).json();
    expect(info).toMatchObject({ eos_token: '\0', bos_token: null, add_bos_token: false });
    expect((await post('/tokenize', { prompt: 'ab', add_special_tokens: false })).json).toMatchObject({
      tokens: [97, 98],
    });
    expect((await post('/detokenize', { tokens: [97, 98] })).json).toEqual({ prompt: 'ab' });
    const models: unknown = await (await fetch(`${base}/v1/models`)).json();
    expect(models).toMatchObject({ data: [{ id: 'ascii', max_model_len: 64 }] });
  });
});

describe('with a key', () => {
  let guarded: Server;
  let at: string;

  beforeEach(async () => {
    const served = {
      modelId: 'ascii',
      contextLength: 64,
      vocabulary: asciiVocabulary,
      engine: createEngine(fakeSequence(), true),
      chatTemplate: '',
      renderChat: () => '',
    };
    guarded = createApi(served, createQueue(1), stop.signal, 'secret');
    guarded.listen(0, '127.0.0.1');
    await once(guarded, 'listening');
    const address = guarded.address();
    at = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });

  afterEach(() => {
    guarded.closeAllConnections();
    guarded.close();
  });

  it.each([undefined, 'Bearer other', 'secret', 'bearer secret', 'Bearer secret '.repeat(2)])(
    'answers %j with 401 everywhere but at /health',
    async (authorization) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      for (const path of ['/v1/models', '/tokenizer_info', '/nowhere']) {
        const response = await fetch(at + path, { headers });
        expect(response.status).toBe(401);
        expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
      }
      expect((await fetch(`${at}/health`, { headers })).status).toBe(200);
    },
  );

  it('answers who bears it', async () => {
    const headers = { authorization: 'Bearer secret' };
    expect((await fetch(`${at}/v1/models`, { headers })).status).toBe(200);
  });
});

describe('stopping', () => {
  it('ends what is in hand with 503 and Retry-After', async () => {
    stop.abort(new Error('SIGTERM'));
    const answer = await post('/v1/completions', { prompt: 'a', max_tokens: 40 });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});
