import type { HttpAnswer, HttpClient, HttpReply } from './http-client.ts';

/**
 * The client, with the key struck out of whatever a server says when it does not answer as asked: some repeat the key
 * in their refusal, and those words go into logs, the job and its report. A good answer is left as it is, for a key
 * may be a word such as `EMPTY`.
 */
export function silentAbout(key: string, http: HttpClient): HttpClient {
  const silenced = (reply: HttpReply): HttpReply =>
    reply.ok && !isGood(reply) ? { ...reply, body: without(key, reply.body) } : reply;
  return {
    get: async (path, control) => silenced(await http.get(path, control)),
    post: async (path, body, control) => silenced(await http.post(path, body, control)),
    close: () => http.close(),
  };
}

const BRACE = 0x7b;

function isGood({ status, body }: HttpAnswer): boolean {
  return status === 200 && body[0] === BRACE;
}

function without(key: string, body: Buffer): Buffer {
  const escaped = JSON.stringify(key).slice(1, -1);
  const text = body.toString('utf8').replaceAll(escaped, '[key]').replaceAll(key, '[key]');
  return Buffer.from(text);
}
