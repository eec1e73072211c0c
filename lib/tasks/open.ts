import type { Scoring, TaskPlan, TaskSelection } from '@assay/lib/domain';
import { AssayError } from '../errors.ts';
import { type Named, type TaskIndex, indexTasks } from './config/index-files.ts';
import { toPlainObject } from './config/plain.ts';
import { readConfig } from './config/read-config.ts';
import type { TaskConfig } from './config/task-config.ts';
import { checkData } from './data/columns.ts';
import { Dataset, type Doc } from './data/dataset.ts';
import type { TaskFiles } from './files.ts';
import { type Problem, Problems, problemsOf, refusal } from './problem.ts';
import { DocValues } from './prompt/doc-values.ts';
import { type Modes, modesOf } from './prompt/gold.ts';
import { type PreparedItem, prepareItem } from './prompt/prepare.ts';
import { PromptWriter } from './prompt/prompt.ts';
import { createSampler } from './prompt/sampler.ts';
import { type PyDict, dumpJson } from './pylang/index.ts';

export interface OpenTask {
  /** The plan but for what `prepare` adds. */
  readonly header: Omit<TaskPlan, 'v' | 'shards' | 'needs'>;
  readonly api: 'completions' | 'chat';
  readonly longPrompt: 'truncate' | 'refuse';
  /** Every document in order, rendered while it is asked for; may be walked more than once. */
  items(): AsyncIterable<PreparedItem>;
}

/** A task whose configuration and data were read and found good. */
export interface ReadyTask {
  readonly config: TaskConfig;
  readonly dataset: Dataset;
  readonly modes: Modes;
  readonly values: DocValues;
}

/**
 * Opens one task of a bundle. `seed` seeds the few-shot sampler. Throws AssayError with every problem as a violation:
 * UNKNOWN_TASK, TASK_INVALID, TASK_UNSUPPORTED, TASK_DATA_INVALID or INVALID_REQUEST; `items` throws the same about a
 * document, named by its file and line.
 */
export async function openTask(files: TaskFiles, selection: TaskSelection, seed: number): Promise<OpenTask> {
  const index = await indexTasks(files);
  const problems = new Problems();
  const task = await readyTask(files, index, selection, problems);
  if (task === undefined) throw refusal(selection.name, problems.list);
  const { config } = task;
  return {
    header: headerOf(task, selection.limit),
    api: config.assay.api,
    longPrompt: config.assay.longPrompt,
    items: () => itemsOf(task, seed, selection.limit),
  };
}

/** Everything that can be wrong before documents are rendered; undefined when something is. */
export async function readyTask(
  files: TaskFiles,
  index: TaskIndex,
  selection: TaskSelection,
  problems: Problems,
): Promise<ReadyTask | undefined> {
  checkSelection(selection, problems);
  const named = index.names.get(selection.name);
  if (named?.kind !== 'task') {
    for (const problem of missingTask(selection.name, index, named)) problems.list.push(problem);
    return undefined;
  }
  const config = readConfig(named.source, index.known, selection, problems);
  if (config === undefined || !hasData(config)) return undefined;
  const dataset = await Dataset.open(files, config.data, problems);
  if (dataset === undefined) return undefined;
  checkData(config, dataset, problems, selection.numFewshot === config.fewshot.count);
  if (problems.list.length > 0) return undefined;
  try {
    const values = new DocValues(dataset.columns, config.fields);
    const [first] = dataset.docs(config.evalSplit.split);
    if (first === undefined) return undefined;
    return { config, dataset, values, modes: about(first, () => modesOf(config, values, first.doc)) };
  } catch (thrown) {
    problems.caught(thrown, config.evalSplit.place);
    return undefined;
  }
}

// What has no files, or names a split that there is not, was told already.
function hasData({ data, evalSplit, fewshot }: TaskConfig): boolean {
  const has = (split: string): boolean => data.some((one) => one.split === split && one.files.length > 0);
  return (
    data.every(({ files }) => files.length > 0) &&
    has(evalSplit.split) &&
    (fewshot.pool.kind === 'samples' || has(fewshot.pool.use.split))
  );
}

/** Documents 0 … limit − 1, each rendered when it is asked for. */
export function* renderItems(
  task: ReadyTask,
  seed: number,
  limit: number | undefined,
): Generator<PreparedItem> {
  const { config, dataset, modes, values } = task;
  const { fewshot } = config;
  const sampler = createSampler(fewshot.sampler, poolOf(task), fewshot.count, seed);
  const writer = new PromptWriter(config, values, sampler, modes.multipleInputs);
  let id = 0;
  for (const doc of dataset.docs(config.evalSplit.split)) {
    if (limit !== undefined && id >= limit) return;
    const at = id;
    yield about(doc, () => prepareItem(config, modes, writer, values, doc.doc, at));
    id += 1;
  }
}

async function* itemsOf(
  task: ReadyTask,
  seed: number,
  limit: number | undefined,
): AsyncGenerator<PreparedItem> {
  yield* renderItems(task, seed, limit);
}

function poolOf({ config, dataset }: ReadyTask): readonly PyDict[] {
  const { count, pool } = config.fewshot;
  if (count === 0) return [];
  return pool.kind === 'samples' ? pool.docs : Array.from(dataset.docs(pool.use.split), ({ doc }) => doc);
}

function headerOf({ config, dataset }: ReadyTask, limit: number | undefined): OpenTask['header'] {
  const originalDocs = dataset.facts(config.evalSplit.split).docs;
  const { code } = config.assay;
  const scoring: Scoring = {
    outputType: config.outputType,
    per: code === undefined ? 'document' : 'sample',
    repeats: config.repeats,
    pipelines: config.pipelines,
    metrics: config.metrics,
    ...(code === undefined ? {} : { code: code.scoring }),
  };
  return {
    task: config.name,
    alias: config.alias,
    version: config.version,
    kind: code === undefined ? 'score' : 'execute',
    outputType: config.outputType,
    docs: Math.min(originalDocs, limit ?? originalDocs),
    originalDocs,
    repeats: config.repeats,
    numFewshot: config.fewshot.count,
    scoring,
    metrics: config.metrics,
    config: toPlainObject(config.dump),
    configJson: dumpJson(config.dump, { ensureAscii: false }),
  };
}

function checkSelection({ limit, numFewshot }: TaskSelection, problems: Problems): void {
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    problems.add('INVALID_REQUEST', 'limit', `is ${limit}; must be a whole number, 1 or more`);
  }
  if (numFewshot !== undefined && !(Number.isSafeInteger(numFewshot) && numFewshot >= 0)) {
    problems.add('INVALID_REQUEST', 'num_fewshot', `is ${numFewshot}; must be a whole number, 0 or more`);
  }
}

function missingTask(name: string, { broken }: TaskIndex, named: Named | undefined): readonly Problem[] {
  if (named !== undefined) {
    const what =
      named.kind === 'class'
        ? 'is a Python class'
        : `is a ${named.kind}; name its tasks one by one, for ${named.kind}s are`;
    const message =
      named.kind === 'class'
        ? `"${name}" is a Python class, which is not supported`
        : `"${name}" ${what} not supported yet`;
    return [{ reason: 'TASK_UNSUPPORTED', field: `${named.kind === 'task' ? '' : named.file}:1:1`, message }];
  }
  const own = broken.filter(({ names }) => names.includes(name)).flatMap(({ problems }) => problems);
  if (own.length > 0) return own;
  const others = broken.flatMap(({ problems }) => problems.map(({ field }) => field));
  const hint = others.length === 0 ? '' : `; some files could not be read (${others.slice(0, 5).join(', ')})`;
  return [{ reason: 'UNKNOWN_TASK', field: 'name', message: `there is no task "${name}"${hint}` }];
}

// What goes wrong with a document is told with the place of that document.
function about<T>({ file, line }: Doc, render: () => T): T {
  try {
    return render();
  } catch (thrown) {
    if (!(thrown instanceof AssayError)) throw thrown;
    const field = `${file}:${line}`;
    const [problem] = problemsOf(thrown, field);
    const message =
      problem === undefined || problem.field === field
        ? thrown.message
        : `${problem.field}: ${problem.message}`;
    throw new AssayError(thrown.reason, `${field}: ${message}`, {
      violations: [{ field, message }],
      cause: thrown,
    });
  }
}
