import type { Field, TaskConfig } from '../config/task-config.ts';
import type { Problems } from '../problem.ts';
import { type PyDict, dumpJson } from '../pylang/index.ts';
import type { Dataset } from './dataset.ts';

/**
 * Reports every column that a template of the task names and that a document of the split does not have, and few-shot
 * pools that are too small. `askedShots`: the number of shots is the request's, not the task's.
 */
export function checkData(
  config: TaskConfig,
  dataset: Dataset,
  problems: Problems,
  askedShots: boolean,
): void {
  const { fields, fewshot, evalSplit, assay, description } = config;
  const { code } = assay;
  const evaluated = [description, fields.text, fields.target, fields.choice, fields.prefix];
  const own = [...evaluated, code?.entry, code?.tests, code?.prefix, code?.setup];
  if (dataset.facts(evalSplit.split).docs === 0) {
    problems.add('TASK_DATA_INVALID', place(evalSplit.place), `split "${evalSplit.split}" has no documents`);
  } else checkColumns(own, dataset, evalSplit.split, problems);
  if (fewshot.count > 0) checkPool(config, dataset, problems, askedShots);
}

function checkPool({ fewshot }: TaskConfig, dataset: Dataset, problems: Problems, asked: boolean): void {
  const { pool, count } = fewshot;
  const why = poolFault(fewshot, dataset);
  if (why !== null) {
    problems.add(
      asked ? 'INVALID_REQUEST' : 'TASK_INVALID',
      asked ? 'num_fewshot' : place(fewshot.place),
      `${count}-shot prompts need a pool of ${why}`,
    );
    return;
  }
  const { text, target, choice, prefix } = fewshot.fields;
  const used = [text, target, choice, prefix];
  if (pool.kind === 'split') checkColumns(used, dataset, pool.use.split, problems);
  else checkSamples(used, pool.docs, dataset.columns, problems);
}

/** What a pool that is too small would have to have, and what it has. */
function poolFault(
  { pool, count, excludeSelf, sampler }: TaskConfig['fewshot'],
  dataset: Dataset,
): string | null {
  const size = pool.kind === 'samples' ? pool.docs.length : dataset.facts(pool.use.split).docs;
  // `default` draws one more and drops the evaluated document; `first_n` skips it, and samples do not hold it.
  const needed = excludeSelf && (pool.kind === 'split' || sampler === 'default') ? count + 1 : count;
  const extra =
    needed > count ? ` (one more than the ${count} shots, for a document is not its own shot)` : '';
  const where = pool.kind === 'samples' ? 'fewshot_config.samples' : `split "${pool.use.split}"`;
  if (size < needed) return `${needed} documents${extra}, but ${where} has ${size}`;
  if (pool.kind === 'samples' || !excludeSelf) return null;
  const alike = mostAlike(dataset, pool.use.split);
  if (size - alike >= count) return null;
  return `${count} documents besides the evaluated one, but ${alike} of the ${size} in ${where} are equal`;
}

/** How often the most frequent document of a split comes. */
function mostAlike(dataset: Dataset, split: string): number {
  const counts = new Map<string, number>();
  let most = 0;
  for (const { doc } of dataset.docs(split)) {
    const text = dumpJson(doc, { ensureAscii: false });
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    most = Math.max(most, count);
  }
  return most;
}

function checkSamples(
  fields: readonly (Field | undefined)[],
  docs: readonly PyDict[],
  columns: ReadonlySet<string>,
  problems: Problems,
): void {
  for (const field of fields) {
    if (field?.kind !== 'template') continue;
    for (const name of columns.has(field.source) ? [field.source] : field.template.names) {
      const at = docs.findIndex((doc) => !doc.has(name));
      if (at === -1) continue;
      problems.add(
        'TASK_INVALID',
        place(field.place),
        `sample ${at + 1} of fewshot_config.samples has no "${name}"`,
      );
    }
  }
}

function checkColumns(
  fields: readonly (Field | undefined)[],
  dataset: Dataset,
  split: string,
  problems: Problems,
): void {
  const { columns } = dataset;
  const facts = dataset.facts(split);
  for (const field of fields) {
    if (field?.kind !== 'template') continue;
    const names = columns.has(field.source) ? [field.source] : field.template.names;
    for (const name of names) {
      const spot = facts.lacks(name);
      if (spot === undefined) continue;
      const has = columns.has(name)
        ? 'write null if it is meant to be empty'
        : `there is ${[...columns].join(', ')}`;
      problems.add(
        'TASK_DATA_INVALID',
        `${spot.file}:${spot.line}`,
        `no column "${name}", which ${field.key} (${place(field.place)}) names; ${has}`,
      );
    }
  }
}

function place({ file, line, column }: Field['place']): string {
  return `${file}:${line}:${column}`;
}
