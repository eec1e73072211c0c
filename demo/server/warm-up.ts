import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { complete } from './completion.ts';
import { keep } from './compile.ts';
import type { Served } from './openai.ts';
import type { Queue } from './queue.ts';

const OUTPUT_TOKENS = 4;
const SHORTEST = 128;
const GREEDY = { temperature: 0, topP: 1, topK: 0, minP: 0, seed: 0 };

/**
 * One request for each padded length of a prompt, while the server already answers: requests wait between them. Leaves a
 * file for each in the cache's folder, and `ready` in the folder for temporary files at the end.
 */
export async function warmUp(
  served: Served,
  queue: Queue,
  folders: { readonly cache: string; readonly temporary: string },
  signal: AbortSignal,
): Promise<void> {
  const [token = 0] = served.vocabulary.tokenize('a');
  for (let length = SHORTEST; length + OUTPUT_TOKENS <= served.contextLength; length *= 2) {
    const prompt = Array.from({ length }, () => token);
    const ask = {
      prompt,
      maxTokens: OUTPUT_TOKENS,
      sampling: GREEDY,
      stops: [],
      logprobs: null,
      echo: false,
    };
    const answer = await queue.run(() => complete(served.engine, served.vocabulary, ask, signal), signal);
    await keep(folders.cache, `${length}.trace`, JSON.stringify(answer.tokens));
  }
  await writeFile(path.join(folders.temporary, 'ready'), '');
}
