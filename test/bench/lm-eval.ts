import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pythonPackage } from '../support/venv.ts';
import type { Files } from './workload.ts';

const LM_EVAL = { name: 'lm_eval', version: '0.4.13', extras: '[api]', takes: 'a few minutes' };

/** An lm_eval to compare with: the one that `ASSAY_LM_EVAL` names, or one installed under the local state by pip. */
export function lmEval(state: string): string {
  return process.env['ASSAY_LM_EVAL'] ?? path.join(pythonPackage(state, LM_EVAL), 'lm_eval');
}

export interface LmEvalRun {
  readonly wallS: number;
  readonly cpuS: number;
  readonly output: string;
}

/** One whole run of lm_eval against a completions server, with task files of its own; `use` sees its output folder. */
export async function runLmEval<T>(
  command: string,
  files: Files,
  options: {
    readonly tasks: string;
    readonly url: string;
    readonly model: string;
    readonly concurrent: number;
    /** `remote`: the server's own, and prompts go as token ids; `none`: prompts go as text. Default `none`. */
    readonly tokenizer?: 'none' | 'remote';
    readonly args?: readonly string[];
  },
  use: (folder: string, run: LmEvalRun) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-lm-eval-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const output = path.join(folder, 'output');
    const tokenizer = options.tokenizer ?? 'none';
    const modelArgs = [
      `model=${options.model}`,
      `base_url=${options.url}/completions`,
      `num_concurrent=${options.concurrent}`,
      'max_retries=3',
      `tokenizer_backend=${tokenizer}`,
      `tokenized_requests=${tokenizer === 'remote' ? 'True' : 'False'}`,
    ].join(',');
    const args = [
      '--model',
      'local-completions',
      '--model_args',
      modelArgs,
      '--tasks',
      options.tasks,
      '--include_path',
      folder,
      '--output_path',
      output,
      '--log_samples',
      ...(options.args ?? []),
    ];
    const run_ = await measured(command, args, folder);
    return await use(output, run_);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measured(command: string, args: readonly string[], cwd: string): Promise<LmEvalRun> {
  const startedAt = performance.now();
  const env = {
    ...process.env,
    HF_HUB_OFFLINE: '1',
    HF_DATASETS_OFFLINE: '1',
    HF_HOME: path.join(cwd, 'hf'),
    TQDM_DISABLE: '1',
  };
  // bash's `times` gives the CPU of its children, which Node does not tell of its own.
  const child = spawn('bash', ['-c', '"$0" "$@"; code=$?; times; exit $code', command, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`lm_eval ended with ${code}:\n${output.slice(-3_000)}`);
  return { wallS: (performance.now() - startedAt) / 1_000, cpuS: childrenSeconds(output), output };
}

/** The last line of `times`: user and system time of the shell's children, such as `0m1.234s 0m0.100s`. */
function childrenSeconds(output: string): number {
  const matches = [...output.matchAll(/(\d+)m([\d.]+)s (\d+)m([\d.]+)s/g)];
  const [, userM = '0', userS = '0', systemM = '0', systemS = '0'] = matches.at(-1) ?? [];
  return Number(userM) * 60 + Number(userS) + Number(systemM) * 60 + Number(systemS);
}
