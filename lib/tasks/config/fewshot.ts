import { type PyDict, isDict } from '../pylang/index.ts';
import type { Problems } from '../problem.ts';
import { type YamlList, type YamlMap, toPython } from '../yaml/node.ts';
import { readSplit } from './dataset.ts';
import { readDocFields } from './doc-fields.ts';
import { Fields } from './fields.ts';
import type { DocFields, Fewshot, SplitFiles, SplitUse } from './task-config.ts';

export interface TaskSplits {
  readonly test: SplitUse | undefined;
  readonly validation: SplitUse | undefined;
  readonly training: SplitUse | undefined;
  readonly fewshot: SplitUse | undefined;
}

/**
 * Reads `fewshot_config`. The pool is, first that is set: the few-shot split, `samples`, the training, the validation,
 * the test split. The evaluated document is kept out of its shots when the few-shot split equals the test split; as in
 * lm-evaluation-harness both being absent counts as equal.
 */
export function readFewshot(
  fields: Fields,
  own: DocFields,
  splits: TaskSplits,
  data: readonly SplitFiles[],
  count: number,
): Fewshot | undefined {
  const { problems } = fields;
  const map = fields.map('fewshot_config');
  const config = new Fields(map?.entries ?? new Map(), problems, 'fewshot_config.');
  const sampler = config.text('sampler') ?? 'default';
  if (sampler !== 'default' && sampler !== 'first_n') {
    const place = config.place('sampler');
    if (place !== undefined)
      problems.unsupported(place, `sampler "${sampler}" is not supported; there are default and first_n`);
  }
  config.refuse(['process_docs', 'fewshot_indices'], (key) => `${key} is not supported`);
  const split = config.has('split') ? readSplit(config, 'split', data) : splits.fewshot;
  const samples = config.list('samples');
  const docs = samples === undefined ? undefined : readSamples(samples, problems);
  const docFields = readDocFields(config, own);
  config.finish();
  const pool = poolOf(split, docs, splits);
  if (pool === undefined || docFields === undefined) return undefined;
  return {
    count,
    sampler: sampler === 'first_n' ? 'first_n' : 'default',
    pool,
    excludeSelf: split?.split === splits.test?.split,
    fields: docFields,
    place: fields.place('num_fewshot') ?? own.text.place,
  };
}

function poolOf(
  split: SplitUse | undefined,
  samples: readonly PyDict[] | undefined,
  splits: TaskSplits,
): Fewshot['pool'] | undefined {
  if (split !== undefined) return { kind: 'split', use: split };
  if (samples !== undefined) return { kind: 'samples', docs: samples };
  const use = splits.training ?? splits.validation ?? splits.test;
  return use === undefined ? undefined : { kind: 'split', use };
}

function readSamples(list: YamlList, problems: Problems): PyDict[] {
  return list.items.flatMap((item) => {
    const doc = item.kind === 'map' ? toPython(item satisfies YamlMap) : undefined;
    if (isDict(doc)) return [doc];
    problems.invalid(item.place, 'fewshot_config.samples must be a list of documents (mappings)');
    return [];
  });
}
