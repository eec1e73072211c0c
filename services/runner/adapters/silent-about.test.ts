import { describe, expect, it } from 'vitest';
import type { HttpClient, HttpReply } from './http-client.ts';
import { silentAbout } from './silent-about.ts';

const control = { timeoutMs: 1_000, signal: new AbortController().signal };

async function said(key: string, status: number, body: string): Promise<string> {
  const reply: HttpReply = { ok: true, status, body: Buffer.from(body) };
  const http: HttpClient = {
    get: () => Promise.resolve(reply),
    post: () => Promise.resolve(reply),
    close: () => Promise.resolve(),
  };
  const answers = [
    await silentAbout(key, http).get('/x', control),
    await silentAbout(key, http).post('/x', '', control),
  ];
  const texts = answers.map((answer) => (answer.ok ? answer.body.toString() : ''));
  expect(texts[1]).toBe(texts[0]);
  return texts[0] ?? '';
}

describe('silentAbout', () => {
  it.each([
    [401, '{"error":"wrong key: sk-1, really sk-1"}', '{"error":"wrong key: [key], really [key]"}'],
    [200, '<html>Authorization: Bearer sk-1</html>', '<html>Authorization: Bearer [key]</html>'],
    [500, '', ''],
  ])('strikes the key out of a refusal (%i)', async (status, body, expected) => {
    expect(await said('sk-1', status, body)).toBe(expected);
  });

  it('finds a key that JSON writes otherwise', async () => {
    expect(await said('a"b', 400, JSON.stringify({ error: 'a"b' }))).toBe('{"error":"[key]"}');
  });

  it('leaves a good answer as it is', async () => {
    const answer = '{"choices":[{"text":"The set is EMPTY"}]}';
    expect(await said('EMPTY', 200, answer)).toBe(answer);
  });
});
