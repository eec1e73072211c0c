import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { decode, encode } from '../support/model-server/tokens.ts';
import {
  type ModelServer,
  type ModelServerOptions,
  promptKey,
  startModelServer,
} from '../support/model-server.ts';

let server: ModelServer | undefined;
afterEach(() => server?.stop());

async function start(options: ModelServerOptions = {}) {
  server = await startModelServer(options);
  const { url } = server;
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify({ model: 'scripted', ...body }) });
  return { server, post };
}

describe('the scripted server’s tokens', () => {
  it('give back what was encoded', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constant('a b  c<|endoftext|>\n12 é😀'),
    );
    fc.assert(fc.property(text, (given) => decode(encode(given)) === given));
  });
});

describe('the scripted server', () => {
  it('answers by content, in a process of its own as here', async () => {
    const ask = { prompt: 'Q: 1 + 1?', max_tokens: 64, temperature: 0 };
    const here = await start();
    const first: unknown = await (await here.post('/completions', ask)).json();
    await here.server.stop();
    const there = await start({ ownProcess: true });
    const second = (await (await there.post('/completions', ask)).json()) as { choices: unknown };
    expect(second.choices).toEqual((first as { choices: unknown }).choices);
  });

  it('counts a prompt alike as text and as token ids', async () => {
    const { server: scripted, post } = await start();
    await post('/completions', { prompt: 'Q: 1 + 1?', seed: 7 });
    await post('/completions', { prompt: [encode('Q: 1 + 1?')], seed: 7 });
    const { prompts, total, completed } = await scripted.requests();
    expect([total, completed]).toEqual([2, 2]);
    expect(prompts[promptKey('Q: 1 + 1?', 7)]).toMatchObject({ asked: 2, completed: 2 });
  });

  it('refuses what is over its limit, and says when to come again', async () => {
    const { post } = await start({ behaviour: { limit: 2, delayMs: 100, retryAfter: '3' } });
    const answers = await Promise.all([1, 2, 3, 4].map((n) => post('/completions', { prompt: `${n}` })));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, 200, 429, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('3');
  });

  it('can be told to behave otherwise while it runs', async () => {
    const { server: scripted, post } = await start({ ownProcess: true });
    await scripted.set({ faults: [{ mode: 'status', status: 500, match: 'bad', attempts: 1 }] });
    const ask = async (prompt: string) => (await post('/completions', { prompt })).status;
    expect([await ask('good'), await ask('bad'), await ask('bad')]).toEqual([200, 500, 200]);
  });
});
