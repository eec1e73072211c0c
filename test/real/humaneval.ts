import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { JobState } from '@assay/proto/assay/v1/job';
import type { Result } from '@assay/proto/assay/v1/result';
import { startModelServer } from '../support/model-server.ts';
import type { Stack } from '../support/stack.ts';
import { coverageFaults, endOf, runJob, startAssay, type Evaluation } from './assay.ts';
import { dataFile, NotRun, type Context } from './context.ts';
import { startDemoServer } from './demo-server.ts';
import { readOutput } from './output.ts';

interface Problem {
  readonly task_id: string;
  readonly prompt: string;
  readonly canonical_solution: string;
}

const GENERATED_PROBLEMS = 20;
const JOB_MS = 1_200_000;

/** All canonical solutions pass and all mutated ones fail, answered by a scripted server, executed by the real jail. */
export async function humanEval(context: Context): Promise<void> {
  const { problems, text } = await readProblems(context);
  let answer: (problem: Problem) => string = () => '';
  const byPrompt = new Map(problems.map((problem) => [problem.prompt, problem]));
  const server = await startModelServer({
    script({ prompt }) {
      const problem = byPrompt.get(prompt);
      return problem === undefined ? null : answer(problem);
    },
  });
  context.keep(() => server.stop());
  const stack = await startAssay(context);
  const endpoint = { url: server.url, model: 'scripted' };
  for (const { name, solution, passes } of SOLUTIONS) {
    answer = solution;
    const task = `humaneval_${name}`;
    const files = { 'humaneval.yaml': bareYaml(task), 'humaneval.jsonl': text };
    const result = await execute(stack, { endpoint, task, files, concurrent: 16, timeoutMs: JOB_MS });
    const verdicts = await verdictsOf(task, result);
    const wrong = verdicts.filter(({ passed }) => passed !== passes);
    context.lines.check(
      `HumanEval, ${name} solutions: ${verdicts.length - wrong.length} of ${problems.length} ${passes ? 'pass' : 'fail'}`,
      [...coverageFaults(result.tasks[0], problems.length), ...wrong.map(({ words }) => words)],
    );
  }
}

const SOLUTIONS = [
  { name: 'canonical', solution: (problem: Problem) => problem.canonical_solution, passes: true },
  {
    name: 'mutated',
    // The body begins by returning: everything after it is dead.
    solution: (problem: Problem) => `    return None\n${problem.canonical_solution}`,
    passes: false,
  },
] as const;

/** The first problems, answered by the demo's model in its chat format. */
export async function humanEvalGenerated(context: Context): Promise<void> {
  const { text } = await readProblems(context);
  const endpoint = await startDemoServer(context);
  const stack = await startAssay(context);
  const task = 'humaneval_chat';
  const files = { 'humaneval.yaml': chatYaml(task), 'humaneval.jsonl': text };
  const limit = GENERATED_PROBLEMS;
  const result = await execute(stack, { endpoint, task, files, limit, concurrent: 2, timeoutMs: JOB_MS });
  const verdicts = await verdictsOf(task, result);
  for (const { words } of verdicts) context.lines.note(words);
  const passed = verdicts.filter((verdict) => verdict.passed).length;
  const metric = result.tasks[0]?.metrics[0];
  const shown = `${metric?.metric} ${metric?.value.toFixed(3)} ± ${metric?.stderr?.toFixed(3)}`;
  const off = metric?.value === passed / limit ? [] : [`${passed} of ${limit} verdicts are passes`];
  context.lines.check(`HumanEval, ${limit} problems answered by ${endpoint.model}: ${shown}`, [
    ...coverageFaults(result.tasks[0], limit),
    ...off,
  ]);
}

async function readProblems(context: Context): Promise<{ problems: readonly Problem[]; text: string }> {
  const text = gunzipSync(await readFile(dataFile(context, 'HumanEval.jsonl.gz'))).toString('utf8');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return { text, problems: lines.map((line) => JSON.parse(line) as Problem) };
}

async function execute(stack: Stack, evaluation: Evaluation): Promise<Result> {
  const job = await runJob(stack, evaluation);
  if (job.reason === 'CODE_EXECUTION_REFUSED') throw new NotRun(job.detail);
  if (job.state !== JobState.SUCCEEDED) throw new Error(`${evaluation.task} ended ${endOf(job)}`);
  return stack.result(job.id);
}

/** From the samples file, so that it is what users read that is held against what should be. */
async function verdictsOf(task: string, result: Result) {
  const { samples } = await readOutput(
    task,
    result.files.map(({ path }) => path),
  );
  return samples.map(({ doc, assay }) => {
    const { task_id: problem } = doc as Problem;
    const [verdict] = (assay as { verdicts: { status: string; detail: string }[] }).verdicts;
    const passed = verdict?.status === 'AC';
    const words = `${problem}: ${verdict?.status ?? 'no verdict'} ${verdict?.detail ?? ''}`.trimEnd();
    return { passed, words };
  });
}

function yaml(task: string, lines: string): string {
  return `task: ${task}
dataset_path: json
dataset_kwargs: { data_files: { test: humaneval.jsonl } }
test_split: test
output_type: generate_until
num_fewshot: 0
doc_to_target: "{{test}}\\ncheck({{entry_point}})"
metric_list: [{ metric: pass_at_k, aggregation: mean, higher_is_better: true }]
${lines}`;
}

/** The benchmark's own form: the model goes on where the prompt ends. */
function bareYaml(task: string): string {
  return yaml(
    task,
    `doc_to_text: "{{prompt}}"
generation_kwargs:
  until: ["\\nclass", "\\ndef", "\\n#", "\\nif", "\\nprint"]
  max_gen_toks: 1024
  do_sample: false
  temperature: 0.0
metadata:
  version: 1.0
  assay:
    code: { entry: entry_point, prefix: prompt, tests: "{{test}}\\ncheck({{entry_point}})" }
`,
  );
}

/** For a chat model: the function is in a fenced block; the prompt before it keeps its imports and helpers. */
function chatYaml(task: string): string {
  return yaml(
    task,
    `doc_to_text: "Complete this Python function. Answer with the whole function.\\n\\n\`\`\`python\\n{{prompt}}\`\`\`"
generation_kwargs:
  until: ["\\n\`\`\`\\n"]
  max_gen_toks: 256
  do_sample: false
  temperature: 0.0
filter_list:
  - name: fenced-block
    filter:
      - function: regex
        regex_pattern: "\`\`\`(?:python)?\\\\n([\\\\s\\\\S]+?)(?:\`\`\`|$)"
      - function: take_first
metadata:
  version: 1.0
  assay:
    api: chat
    code: { entry: entry_point, prefix: prompt, tests: "{{test}}\\ncheck({{entry_point}})" }
`,
  );
}
