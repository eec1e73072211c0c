import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { lmEval, runLmEval } from '../bench/lm-eval.ts';
import { cpuSeconds } from '../bench/processes.ts';
import { HOME } from '../support/stack.ts';
import { evaluate, startAssay } from './assay.ts';
import { compareTask, logprobDistance } from './compare.ts';
import { needs, type Context } from './context.ts';
import { startDemoServer, type Endpoint } from './demo-server.ts';
import { gsm8kFiles, MAX_GEN_TOKS } from './gsm8k.ts';
import { filesUnder, readOutput, type TaskOutput } from './output.ts';
import { plantedMisses } from './planted.ts';

interface Both {
  readonly task: string;
  readonly files: Readonly<Record<string, string>>;
  readonly limit?: number;
}

const JOB_MS = 3_600_000;

/** GSM8K by Assay and by lm_eval: same YAML, data and server. */
export async function equalGenerations(context: Context): Promise<void> {
  context.lines.note(
    `GSM8K, 5-shot, ${context.docs} documents, max_gen_toks ${MAX_GEN_TOKS} on both sides (its own is 256)`,
  );
  await compareBoth(context, { task: 'gsm8k', files: await gsm8kFiles(context), limit: context.docs });
}

/** The demo's multiple-choice questions, by log-likelihood. */
export async function equalChoices(context: Context): Promise<void> {
  const folder = path.join(HOME, 'catalog/tasks/demo');
  const names = ['demo_choices.yaml', 'choices.jsonl'];
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(path.join(folder, name), 'utf8')] as const),
  );
  const { ours, theirs } = await compareBoth(context, {
    task: 'demo_choices',
    files: Object.fromEntries(files),
  });
  const { count, most } = logprobDistance(ours, theirs);
  context.lines.note(`${count} log-probabilities, largest difference ${most}`);
  const misses = plantedMisses(ours, theirs);
  context.lines.check('differences that were planted are all found', misses);
}

/** One after the other, each alone with the server. */
async function compareBoth(context: Context, both: Both): Promise<{ ours: TaskOutput; theirs: TaskOutput }> {
  const command = needs('lm_eval', () => lmEval(context.state));
  const endpoint = await startDemoServer(context);
  const ours = await timed(context, 'Assay', endpoint, () => byAssay(context, endpoint, both));
  const theirs = await timed(context, 'lm_eval', endpoint, () => byLmEval(command, endpoint, both));
  for (const { what, differences } of compareTask(ours, theirs)) context.lines.check(what, differences);
  return { ours, theirs };
}

async function byAssay(context: Context, endpoint: Endpoint, both: Both): Promise<TaskOutput> {
  const stack = await startAssay(context);
  const result = await evaluate(stack, { ...both, endpoint, concurrent: 2, timeoutMs: JOB_MS });
  return readOutput(
    both.task,
    result.files.map((file) => file.path),
  );
}

function byLmEval(command: string, endpoint: Endpoint, { task, files, limit }: Both): Promise<TaskOutput> {
  const args = limit === undefined ? [] : ['--limit', String(limit)];
  const { url, model } = endpoint;
  const options = { tasks: task, url, model, concurrent: 1, tokenizer: 'remote', args } as const;
  return runLmEval(command, files, options, async (folder) => readOutput(task, await filesUnder(folder)));
}

async function timed<T>(
  { lines }: Context,
  who: string,
  { pid }: Endpoint,
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const usedBefore = await cpuSeconds(pid);
  const value = await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const used = (await cpuSeconds(pid)) - usedBefore;
  lines.note(`${who}: ${seconds.toFixed(0)} s, the model server computed for ${used.toFixed(0)} CPU-s`);
  return value;
}
