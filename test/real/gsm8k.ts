import { readFile } from 'node:fs/promises';
import { dataFile, type Context } from './context.ts';

/** Answers of the demo's model are as good as over within this; the benchmark's own default is 256. */
export const MAX_GEN_TOKS = 128;

// The prompt, the filters and the metric of the benchmark as the field runs it.
const YAML = `task: gsm8k
dataset_path: json
dataset_kwargs:
  data_files:
    train: train.jsonl
    test: test.jsonl
training_split: train
fewshot_split: train
test_split: test
output_type: generate_until
num_fewshot: 5
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
generation_kwargs:
  until: ["Question:", "</s>", "<|im_end|>"]
  do_sample: false
  temperature: 0.0
  max_gen_toks: ${MAX_GEN_TOKS}
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    ignore_punctuation: false
    regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"]
filter_list:
  - name: strict-match
    filter:
      - function: regex
        regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"
      - function: take_first
  - name: flexible-extract
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"
      - function: take_first
metadata:
  version: 3.0
`;

/** GSM8K's task files, with the questions of the folder that holds the benchmarks' data. */
export async function gsm8kFiles(context: Context): Promise<Readonly<Record<string, string>>> {
  return {
    'gsm8k.yaml': YAML,
    'train.jsonl': await readFile(dataFile(context, 'gsm8k-train-64.jsonl'), 'utf8'),
    'test.jsonl': await readFile(dataFile(context, 'gsm8k-test.jsonl'), 'utf8'),
  };
}
