import type { PyDict, PyValue } from '../pylang/index.ts';
import { isNull, toPython } from '../yaml/node.ts';
import type { Source } from './load.ts';

/** Keys of a task in the order in which lm-evaluation-harness 0.4.13 shows them, with what it fills in. */
const KEYS: readonly (readonly [string, PyValue])[] = [
  ['task', null],
  ['task_alias', null],
  ['tag', null],
  ['custom_dataset', null],
  ['dataset_path', null],
  ['dataset_name', null],
  ['dataset_kwargs', null],
  ['training_split', null],
  ['validation_split', null],
  ['test_split', null],
  ['fewshot_split', null],
  ['process_docs', null],
  ['doc_to_text', null],
  ['doc_to_target', null],
  ['doc_to_image', null],
  ['doc_to_audio', null],
  ['unsafe_code', false],
  ['doc_to_choice', null],
  ['process_results', null],
  ['use_prompt', null],
  ['description', ''],
  ['target_delimiter', ' '],
  ['fewshot_delimiter', '\n\n'],
  ['fewshot_config', null],
  ['num_fewshot', null],
  ['metric_list', null],
  ['output_type', 'generate_until'],
  ['generation_kwargs', null],
  ['repeats', 1],
  ['filter_list', null],
  ['should_decontaminate', false],
  ['doc_to_decontamination_query', null],
  ['gen_prefix', null],
  ['metadata', null],
];

const FEWSHOT_KEYS = ['sampler', 'split', 'process_docs', 'fewshot_indices', 'samples'] as const;
const FEWSHOT_INHERITED = [
  'doc_to_text',
  'doc_to_choice',
  'doc_to_target',
  'gen_prefix',
  'fewshot_delimiter',
  'target_delimiter',
] as const;

/** The configuration as `configs` of a result file shows it: nulls left out, the few-shot settings spelt out. */
export function dumpConfig(source: Source, numFewshot: number, generation: PyDict | undefined): PyDict {
  const value = (key: string): PyValue => {
    const node = source.entries.get(key)?.node;
    return node === undefined ? null : toPython(node);
  };
  const dump: PyDict = new Map();
  for (const [key, missing] of KEYS) {
    const node = source.entries.get(key)?.node;
    const own = isNull(node) || key === 'tag' ? missing : value(key);
    if (own !== null) dump.set(key, own);
    if (key === 'fewshot_config') dump.set(key, dumpFewshot(value(key), dump, value));
    if (key === 'num_fewshot') dump.set(key, numFewshot);
    if (key === 'generation_kwargs' && generation !== undefined) dump.set(key, generation);
  }
  const kwargs = dump.get('dataset_kwargs');
  if (kwargs instanceof Map) kwargs.delete('trust_remote_code');
  return dump.set('metadata', dumpMetadata(value('metadata'), source.file));
}

function dumpFewshot(own: PyValue, dump: PyDict, value: (key: string) => PyValue): PyDict {
  const config = own instanceof Map ? own : new Map<string, PyValue>();
  const pick = (key: string, inherited: PyValue): PyValue =>
    config.has(key) ? (config.get(key) ?? null) : inherited;
  const fewshot: PyDict = new Map();
  for (const key of FEWSHOT_KEYS) {
    const inherited = key === 'sampler' ? 'default' : key === 'split' ? value('fewshot_split') : null;
    fewshot.set(key, pick(key, inherited));
  }
  for (const key of FEWSHOT_INHERITED) fewshot.set(key, pick(key, dump.get(key) ?? value(key)));
  return fewshot;
}

function dumpMetadata(own: PyValue, file: string): PyDict {
  const metadata: PyDict = new Map();
  if (own instanceof Map) for (const [key, item] of own) metadata.set(String(key), item);
  else if (own !== null) metadata.set('_metadata', own);
  return metadata.set('config_source', file);
}
