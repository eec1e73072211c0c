import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';

const HOME = path.join(import.meta.dirname, '../..');
const MODEL = path.join(HOME, '.assay/models/SmolLM2-135M-Instruct.Q4_1.gguf');
const CONTEXTS = ['The capital of France is', 'One, two, three, four,'];
const CONTINUATIONS = [' Paris', ' five, six', ' Madrid'];

interface Completion {
  readonly choices: readonly [
    { readonly text: string; readonly logprobs: { readonly token_logprobs: readonly (number | null)[] } },
  ];
}

it('the demo server with its real model gives the same numbers whatever it was asked before, and ends at once', async () => {
  const missing = [MODEL, path.join(HOME, 'demo/server/node_modules')].find((file) => !existsSync(file));
  if (missing !== undefined) {
    const file = process.env['ASSAY_NOT_RUN'];
    const what = path.relative(HOME, missing);
    if (file !== undefined)
      await appendFile(
        file,
        `demo server with its real model: ${what} is not there (npm run demo brings it)\n`,
      );
    return;
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-demo-server-'));
  const announce = path.join(folder, 'announce.json');
  const args = [
    'demo/server/main.ts',
    '--model',
    MODEL,
    '--model-id',
    'tiny',
    '--threads',
    '1',
    '--announce',
    announce,
  ];
  const server = spawn(process.execPath, args, { cwd: HOME, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => server.once('exit', resolve));
  try {
    while (!existsSync(announce)) await sleep(50);
    const { url } = JSON.parse(await readFile(announce, 'utf8')) as { url: string };
    const ask = async (body: object): Promise<Completion> => {
      const response = await fetch(`${url}/completions`, {
        method: 'POST',
        body: JSON.stringify({ temperature: 0, ...body }),
      });
      return (await response.json()) as Completion;
    };
    const prompts = CONTEXTS.flatMap((context) =>
      CONTINUATIONS.map((continuation) => context + continuation),
    );
    const scores = async (list: readonly string[]) => {
      const found = new Map<string, readonly (number | null)[]>();
      for (const prompt of list) {
        const { choices } = await ask({ prompt, echo: true, logprobs: 1, max_tokens: 1 });
        found.set(prompt, choices[0].logprobs.token_logprobs);
      }
      return found;
    };
    const first = await scores(prompts);
    const greedy = await ask({ prompt: CONTEXTS[1], max_tokens: 12 });
    const again = await scores(prompts.toReversed());
    for (const prompt of prompts) {
      const [, ...numbers] = first.get(prompt) ?? [];
      expect(numbers.length).toBeGreaterThan(1);
      for (const [index, number] of numbers.entries())
        expect(Math.abs((number ?? NaN) - (again.get(prompt)?.[index + 1] ?? NaN))).toBeLessThan(1e-6);
    }
    expect((await ask({ prompt: CONTEXTS[1], max_tokens: 12 })).choices[0].text).toBe(greedy.choices[0].text);
    expect((await ask({ prompt: CONTEXTS[0], max_tokens: 1 })).choices[0].text).toBe(' Paris');
  } finally {
    server.kill('SIGTERM');
  }
  expect(await ended).toBe(0);
  await rm(folder, { recursive: true });
}, 180_000);
