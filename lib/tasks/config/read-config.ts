import type { OutputType, TaskSelection } from '@assay/lib/domain';
import { pyStr } from '../pylang/index.ts';
import type { Problems } from '../problem.ts';
import { type Place, type YamlMap, hooksOf, toPython } from '../yaml/node.ts';
import { readAssay } from './assay.ts';
import { readData, readSplit } from './dataset.ts';
import { readDocFields, readField } from './doc-fields.ts';
import { dumpConfig } from './dump.ts';
import { type TaskSplits, readFewshot } from './fewshot.ts';
import { Fields } from './fields.ts';
import { readPipelines } from './filters.ts';
import { readGeneration } from './generation.ts';
import type { Source } from './load.ts';
import { readMetrics, readPassAtK } from './metrics.ts';
import type { DocFields, Fewshot, Field, SplitUse, TaskConfig } from './task-config.ts';

const HOOK_KEYS = ['custom_dataset', 'process_docs', 'process_results', 'class', 'task_list', 'use_prompt'];
const MEDIA_KEYS = ['doc_to_image', 'doc_to_audio'];
const IGNORED_KEYS = ['tag', 'unsafe_code', 'should_decontaminate', 'doc_to_decontamination_query'];
const OTHER_OUTPUTS = new Set(['loglikelihood', 'loglikelihood_rolling']);

/**
 * A task file as a strict configuration. What is wrong is all in `problems`; the configuration is then only good for
 * finding more that is wrong, and undefined when not even for that.
 */
export function readConfig(
  source: Source,
  known: ReadonlySet<string>,
  selection: TaskSelection,
  problems: Problems,
): TaskConfig | undefined {
  const fields = new Fields(source.entries, problems);
  refuseUnbuilt(fields, source);
  const outputType = readOutputType(fields);
  const repeats = fields.integer('repeats', 1) ?? 1;
  const metadata = fields.node('metadata');
  const map = metadata?.kind === 'map' ? metadata : undefined;
  const assay = readAssay(map, problems, { outputType, repeats });
  const docs = readDocuments(fields, source, known, selection);
  const generation = readGeneration(fields, {
    generates: outputType === 'generate_until',
    chat: assay.api === 'chat',
    fewshotDelimiter: docs.fields?.fewshotDelimiter ?? '\n\n',
    overrides: selection.genKwargs,
  });
  const scoring = {
    alias: fields.text('task_alias') ?? selection.name,
    pipelines: readPipelines(fields, outputType, assay.code !== undefined),
    metrics: assay.code ? readPassAtK(fields, assay.code.scoring.k) : readMetrics(fields, outputType),
  };
  fields.ignore('task');
  fields.finish();
  requireKeys(fields, source, docs, outputType);
  const { data, evalSplit, fewshot, description } = docs;
  if (docs.fields === undefined || fewshot === undefined || evalSplit === undefined) return undefined;
  const dump = dumpConfig(source, fewshot.count, generation.dump);
  const version = versionOf(map);
  const base = {
    ...scoring,
    name: selection.name,
    version,
    file: source.file,
    outputType,
    repeats,
    assay,
    dump,
  };
  const config = { ...base, data, evalSplit, fewshot, fields: docs.fields, settings: generation.settings };
  return description === undefined ? config : { ...config, description };
}

interface Documents {
  readonly data: TaskConfig['data'];
  readonly evalSplit: SplitUse | undefined;
  readonly fields: DocFields | undefined;
  readonly description: Field | undefined;
  readonly fewshot: Fewshot | undefined;
}

function readDocuments(
  fields: Fields,
  source: Source,
  known: ReadonlySet<string>,
  selection: TaskSelection,
): Documents {
  const data = readData(fields, source.file, known);
  const splits = readSplits(fields, data);
  const docFields = readDocFields(fields);
  const description = readField(fields, 'description');
  const count = shots(fields.integer('num_fewshot', 0), selection.numFewshot);
  return {
    data,
    evalSplit: splits.test ?? splits.validation,
    fields: docFields,
    description,
    fewshot: docFields && readFewshot(fields, docFields, splits, data, count),
  };
}

function versionOf(metadata: YamlMap | undefined): string {
  const version = metadata?.entries.get('version')?.node;
  return version === undefined ? 'Yaml' : pyStr(toPython(version));
}

// A task that says 0 shots keeps 0 whatever is asked for.
function shots(own: number | undefined, asked: number | undefined): number {
  return own === 0 ? 0 : (asked ?? own ?? 0);
}

function refuseUnbuilt(fields: Fields, source: Source): void {
  for (const [key, { node }] of source.entries) {
    for (const hook of hooksOf(node)) {
      fields.problems.unsupported(
        hook.place,
        `${key} calls the Python function ${hook.name}; Python hooks are not supported yet`,
      );
    }
  }
  fields.refuse(HOOK_KEYS, (key) => `${key} is not supported yet`);
  fields.refuse(MEDIA_KEYS, (key) => `${key} is not supported: only text goes to the model`);
  fields.ignore(...IGNORED_KEYS);
}

function readOutputType(fields: Fields): OutputType {
  const value = fields.text('output_type') ?? 'generate_until';
  const place = fields.place('output_type');
  if (value === 'generate_until' || value === 'multiple_choice') return value;
  if (place !== undefined) {
    if (OTHER_OUTPUTS.has(value))
      fields.problems.unsupported(place, `output_type "${value}" is not supported yet`);
    else
      fields.problems.invalid(place, `output_type must be generate_until or multiple_choice, not "${value}"`);
  }
  return 'generate_until';
}

function readSplits(fields: Fields, data: TaskConfig['data']): TaskSplits {
  return {
    test: readSplit(fields, 'test_split', data),
    validation: readSplit(fields, 'validation_split', data),
    training: readSplit(fields, 'training_split', data),
    fewshot: readSplit(fields, 'fewshot_split', data),
  };
}

function requireKeys(fields: Fields, source: Source, docs: Documents, outputType: OutputType): void {
  const top: Place = source.entries.get('task')?.key ?? { file: source.file, line: 1, column: 1 };
  const absent = (key: string): boolean => fields.node(key) === undefined && !isHook(source, key);
  const missing = (message: string): void => fields.problems.invalid(top, message);
  for (const key of ['doc_to_text', 'doc_to_target']) {
    if (docs.fields === undefined && absent(key)) missing(`${key} is missing`);
  }
  if (outputType === 'multiple_choice' && absent('doc_to_choice')) {
    missing('a multiple_choice task needs doc_to_choice');
  }
  if (docs.evalSplit === undefined && absent('test_split') && absent('validation_split')) {
    missing('test_split or validation_split is missing');
  }
}

function isHook(source: Source, key: string): boolean {
  return source.entries.get(key)?.node.kind === 'hook';
}
