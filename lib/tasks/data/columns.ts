import type { Field, TaskConfig } from '../config/task-config.ts';
import type { Problems } from '../problem.ts';
import type { PyDict } from '../pylang/index.ts';
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
  const size = pool.kind === 'samples' ? pool.docs.length : dataset.facts(pool.use.split).docs;
  // The evaluated document is dropped from what was drawn, so one more is drawn.
  const needed = fewshot.excludeSelf ? count + 1 : count;
  if (size < needed && !(fewshot.sampler === 'first_n' && size >= count)) {
    const where = pool.kind === 'samples' ? 'fewshot_config.samples' : `split "${pool.use.split}"`;
    const extra =
      needed > count ? ` (one more than the ${count} shots, for a document is not its own shot)` : '';
    problems.add(
      asked ? 'INVALID_REQUEST' : 'TASK_INVALID',
      asked ? 'num_fewshot' : place(fewshot.place),
      `${count}-shot prompts need a pool of ${needed} documents${extra}, but ${where} has ${size}`,
    );
    return;
  }
  const { text, target, choice, prefix } = fewshot.fields;
  const used = [text, target, choice, prefix];
  if (pool.kind === 'split') checkColumns(used, dataset, pool.use.split, problems);
  else checkSamples(used, pool.docs, dataset.columns, problems);
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
