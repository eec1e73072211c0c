import { createServer } from 'node:net';
import path from 'node:path';
import { JobState } from '@assay/proto/assay/v1/job';
import { pythonPackage } from '../support/venv.ts';
import type { Stack } from '../support/stack.ts';
import { coverageFaults, endOf, evaluate, runJob, startAssay } from './assay.ts';
import { modelFile, needs, type Context } from './context.ts';
import type { Endpoint } from './demo-server.ts';
import { startServer } from './server-process.ts';

const LLAMA = {
  name: 'llama-cpp-python',
  version: '0.3.36',
  extras: '[server]',
  takes: 'about five minutes (it compiles)',
};
const MODEL = 'smollm2';
const MISSING = /logprobs|have no log-probability/;
// The numbers themselves must have been seen through, not the shape of the answer.
const MISPLACED =
  /prompt log-probabilities are there, but they (look shifted by one place|do not belong to their tokens)/;
const START_MS = 120_000;
const JOB_MS = 900_000;

/**
 * A server that this repository did not write. Its generations are as good as any. Its prompt log-probabilities are
 * missing or, with `logits_all`, those of the next position: log-likelihood tasks must be refused, not scored.
 */
export async function foreignServer(context: Context): Promise<void> {
  const model = modelFile(context);
  const bin = needs(LLAMA.name, () => pythonPackage(context.state, LLAMA));
  const stack = await startAssay(context);
  for (const logitsAll of [false, true]) {
    const endpoint = await startLlama(context, path.join(bin, 'python'), model, logitsAll);
    const name = `${LLAMA.name}${logitsAll ? ', logits_all' : ''}`;
    if (!logitsAll) {
      await generates(context, stack, endpoint, { task: 'demo_generate', limit: 10, samples: 10 });
      await generates(context, stack, endpoint, { task: 'demo_code', limit: 3, samples: 12 });
    }
    await refuses(context, stack, endpoint, { name, why: logitsAll ? MISPLACED : MISSING });
  }
}

async function generates(
  { lines }: Context,
  stack: Stack,
  endpoint: Endpoint,
  { task, limit, samples }: { task: string; limit: number; samples: number },
): Promise<void> {
  const result = await evaluate(stack, { endpoint, task, limit, concurrent: 2, timeoutMs: JOB_MS });
  const [scores] = result.tasks;
  const shown = scores?.metrics.map(({ metric, value }) => `${metric} ${value.toFixed(3)}`).join(', ');
  const texts = scores !== undefined && scores.completionTokens > 0n ? [] : ['no token was generated'];
  lines.check(`${LLAMA.name}: ${task}, ${limit} documents, runs: ${shown}`, [
    ...coverageFaults(scores, samples),
    ...texts,
  ]);
}

async function refuses(
  context: Context,
  stack: Stack,
  endpoint: Endpoint,
  { name, why }: { name: string; why: RegExp },
): Promise<void> {
  const task = 'demo_choices';
  const job = await runJob(stack, { endpoint, task, concurrent: 2, timeoutMs: JOB_MS });
  const refused = job.state === JobState.FAILED && job.reason === 'LOGPROBS_UNUSABLE' && why.test(job.detail);
  context.lines.check(`${name}: ${task} is refused with LOGPROBS_UNUSABLE`, refused ? [] : [endOf(job)]);
  if (refused) context.lines.note(job.detail);
}

async function startLlama(
  context: Context,
  python: string,
  model: string,
  logitsAll: boolean,
): Promise<Endpoint> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/v1`;
  const settings = {
    model,
    model_alias: MODEL,
    host: '127.0.0.1',
    port: String(port),
    n_ctx: '2048',
    logits_all: String(logitsAll),
  };
  const server = await startServer({
    command: python,
    args: [
      '-m',
      'llama_cpp.server',
      ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    ],
    ready: () =>
      fetch(`${url}/models`).then(
        (answer) => answer.ok,
        () => false,
      ),
    timeoutMs: START_MS,
  });
  context.keep(() => server.stop());
  return { url, model: MODEL };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
