import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Reason } from '@assay/lib/errors';
import type { Behaviour, LogprobsMode } from '../model-server.ts';
import { choiceTask, goodTask, longTask } from './tasks.ts';
import type { Files } from './world.ts';

/** A server that cannot serve a job: what it does, how the job must end, and words that its detail must hold. */
export interface Unfit {
  readonly title: string;
  readonly behaviour: Partial<Behaviour>;
  readonly files: Files;
  readonly apiKey?: string;
  readonly reason: Reason;
  readonly says: readonly string[];
}

const LOGPROBS: readonly (readonly [LogprobsMode, string])[] = [
  ['missing', 'no choices[0].logprobs'],
  ['partial', 'have no log-probability'],
  ['shifted-left', 'they look shifted by one place'],
  ['shifted-right', 'they look shifted by one place'],
  ['after', 'they do not belong to their tokens'],
  ['short', 'do not make up the prompt'],
  ['other-text', 'do not make up the prompt'],
];

export const unfitServers: readonly Unfit[] = [
  {
    title: 'serves another model',
    behaviour: { model: 'other-model' },
    files: goodTask(),
    reason: 'ENDPOINT_WRONG_MODEL',
    says: ['"scripted"', 'other-model'],
  },
  {
    title: 'speaks chat only, for a log-likelihood task',
    behaviour: { api: 'chat' },
    files: choiceTask(),
    reason: 'CHAT_ONLY_ENDPOINT',
    says: ['chat', 'completions'],
  },
  ...LOGPROBS.map(([logprobs, says]) => ({
    title: `answers log-probabilities that are unusable (${logprobs})`,
    behaviour: { logprobs },
    files: choiceTask(),
    reason: 'LOGPROBS_UNUSABLE' as const,
    says: [says],
  })),
  {
    title: 'has a context that is shorter than a prompt of a task that refuses this',
    behaviour: { contextLength: 256 },
    files: longTask('long_prompt: refuse'),
    reason: 'PROMPT_TOO_LONG',
    says: ['T: 1 prompt', '256 tokens'],
  },
  {
    title: 'has a context that is shorter than a chat',
    behaviour: { contextLength: 256 },
    files: longTask('api: chat'),
    reason: 'PROMPT_TOO_LONG',
    says: ['T: 1 prompt', '256 tokens', 'without the chat template'],
  },
  {
    title: 'wants a key and gets none',
    behaviour: { apiKey: 'right' },
    files: goodTask(),
    reason: 'ENDPOINT_UNAUTHORIZED',
    says: ['401', '--api-key-env'],
  },
  {
    title: 'wants another key',
    behaviour: { apiKey: 'right' },
    files: goodTask(),
    apiKey: 'wrong-key-of-somebody',
    reason: 'ENDPOINT_UNAUTHORIZED',
    says: ['401', '--api-key-env'],
  },
];

/** Lists its model to everyone, then repeats the key that it was sent in the words of its refusal. */
export async function startTalkativeServer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const listing = request.url === '/v1/models';
    const message = `Incorrect API key provided: ${request.headers.authorization}`;
    response.writeHead(listing ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(listing ? { data: [{ id: 'scripted' }] } : { error: { message } }));
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((done) => void server.close(() => done()));
    },
  };
}
