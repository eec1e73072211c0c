import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { call } from '@assay/lib/rpc';
import { DryRun, Job, type SubmitJobRequest } from '@assay/proto/assay/v1/job';
import type { Clients } from '../clients.ts';
import { line, withClients, type GlobalOptions, type Io } from '../io.ts';
import { parseGenKwargs, parseNames, parseWhole, Usage, wrong } from '../options.ts';
import { uploadFolder } from '../upload.ts';
import { plain } from '../view/plain.ts';
import { table } from '../view/table.ts';
import { stateName } from '../view/live.ts';
import { follow } from './watch.ts';

interface SubmitOptions extends GlobalOptions {
  readonly model?: string;
  readonly device?: string;
  readonly endpoint?: string;
  readonly apiKeyEnv?: string;
  readonly tasks?: string;
  readonly tasksDir?: string;
  readonly limit?: string;
  readonly numFewshot?: string;
  readonly genKwargs?: string;
  readonly seed?: string;
  readonly maxConcurrency?: string;
  readonly requestId?: string;
  readonly dryRun?: boolean;
  readonly watch?: boolean;
}

export function submitCommand(program: Command, io: Io): void {
  program
    .command('submit')
    .description('Submit a job: a model and the tasks to evaluate it on')
    .option('--model <name>', 'model of the catalog, or with --endpoint the model id that it lists')
    .option('--device <name>', "device profile; default is the model's first")
    .option(
      '--endpoint <url>',
      'OpenAI-compatible base URL up to /v1, instead of a model server that Assay starts',
    )
    .option('--api-key-env <name>', "environment variable that holds the endpoint's key")
    .option('--tasks <names>', 'tasks, separated by commas')
    .option(
      '--tasks-dir <folder>',
      'folder with your own task YAML and data; its tasks come before those of the catalog',
    )
    .option('--limit <n>', 'first n documents of each task only')
    .option('--num-fewshot <n>', 'examples before each question')
    .option(
      '--gen-kwargs <settings>',
      'merged over generation_kwargs: temperature=0,max_gen_toks=64 or a JSON object',
    )
    .option('--seed <n>', 'few-shot seed; default 1234')
    .option('--max-concurrency <n>', "requests in flight; default is the server's own ceiling")
    .option('--request-id <id>', 'makes a repeated submit harmless; default is a new one')
    .option('--dry-run', 'check and render everything, start nothing')
    .option('--watch', 'follow the job to its end; default on a terminal')
    .option('--no-watch', 'print the job and return')
    .addHelpText('after', EXAMPLES)
    .action((_: unknown, command: Command) => submit(io, command.optsWithGlobals<SubmitOptions>()));
}

const EXAMPLES = `
Examples:
  assay submit --model smollm2-135m-instruct --tasks demo_choices,demo_generate
  assay submit --endpoint http://host:8000/v1 --model my-model --api-key-env KEY --tasks gsm8k --tasks-dir ./tasks
  assay submit --model smollm2-135m-instruct --tasks demo_code --limit 5 --dry-run`;

async function submit(io: Io, options: SubmitOptions): Promise<void> {
  const request = requestOf(options, io.env);
  await withClients(io, options, async (clients) => {
    const bundle =
      options.tasksDir === undefined ? '' : await uploadFolder(clients, options.tasksDir, io.interrupted);
    const answer = await call(
      clients.jobs,
      'submitJob',
      { ...request, bundle },
      {
        deadlineMs: options.dryRun === true ? 600_000 : 60_000,
        signal: io.interrupted,
      },
    );
    if (answer.dryRun !== undefined) showDryRun(io, answer.dryRun, options.json === true);
    if (answer.job !== undefined) await show(io, clients, answer.job, options);
  });
}

async function show(io: Io, clients: Clients, job: Job, options: SubmitOptions): Promise<void> {
  const watch = options.watch ?? (io.out.isTty && options.json !== true);
  if (options.json === true && !watch) line(io, JSON.stringify(Job.toJSON(job)));
  else if (!watch) line(io, `job ${job.id} ${stateName(job.state)}; \`assay watch ${job.id}\` follows it`);
  if (watch) await follow(io, clients, job.id, options.json === true);
}

function requestOf(options: SubmitOptions, env: NodeJS.ProcessEnv): Omit<SubmitJobRequest, 'bundle'> {
  const { endpoint, model = '', device, apiKeyEnv } = options;
  const usage = new Usage();
  const whole = (flag: string, text: string | undefined) =>
    usage.read(text, (given) => parseWhole(flag, given));
  usage.refuse(model === '', '--model is missing; `assay models` lists the models');
  usage.refuse(options.tasks === undefined, '--tasks is missing; `assay tasks` lists the tasks');
  usage.refuse(endpoint !== undefined && device !== undefined, '--device has no meaning with --endpoint');
  usage.refuse(endpoint === undefined && apiKeyEnv !== undefined, '--api-key-env needs --endpoint');
  const apiKey = usage.read(apiKeyEnv, (name) => keyOf(name, env)) ?? '';
  const names = usage.read(options.tasks, (text) => parseNames('--tasks', text)) ?? [];
  const genKwargs = usage.read(options.genKwargs, parseGenKwargs);
  const limit = whole('--limit', options.limit);
  const numFewshot = whole('--num-fewshot', options.numFewshot);
  const seed = usage.read(options.seed, (text) => parseWhole('--seed', text, 0, Number.MAX_SAFE_INTEGER));
  const maxConcurrency = whole('--max-concurrency', options.maxConcurrency) ?? 0;
  usage.check();
  const genKwargsJson = genKwargs === undefined ? '' : JSON.stringify(genKwargs);
  return {
    requestId: options.requestId ?? randomUUID(),
    target:
      endpoint === undefined
        ? { $case: 'catalog', value: { model, device: device ?? '' } }
        : { $case: 'endpoint', value: { baseUrl: endpoint, model, apiKey } },
    tasks: names.map((name) => ({ name, genKwargsJson, limit, numFewshot })),
    seed: seed === undefined ? undefined : BigInt(seed),
    validateOnly: options.dryRun === true,
    maxConcurrency,
  };
}

// The name of the variable is given, never the key: a key on the command line is seen by every user of the machine.
function keyOf(name: string, env: NodeJS.ProcessEnv): string {
  const key = env[name];
  if (key === undefined || key === '') throw wrong('--api-key-env', `names ${name}, which is not set`);
  return key;
}

function showDryRun(io: Io, dryRun: DryRun, json: boolean): void {
  if (json) return line(io, JSON.stringify(DryRun.toJSON(dryRun)));
  const rows = dryRun.tasks.map((task) => [
    plain(task.name),
    String(task.samples),
    String(task.requests),
    String(task.promptChars),
  ]);
  for (const text of table(['task', 'samples', 'requests', 'prompt characters'], rows)) line(io, text);
  line(io, `\nplacement: ${plain(dryRun.placement)}`);
  for (const task of dryRun.tasks) {
    line(io, `\nfirst prompt of ${plain(task.name)}:`);
    for (const text of task.firstPrompt.split('\n')) line(io, `  │ ${plain(text)}`);
  }
}
