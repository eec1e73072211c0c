/** Task files made up for the benches: nothing of any benchmark, only its shape. */
export type Files = Readonly<Record<string, string>>;

/** Short questions that are generated and matched: what a pipeline costs when the model costs nothing. */
export function shortTask(name: string, docs: number): Files {
  const rows = Array.from({ length: docs }, (_, i) =>
    JSON.stringify({ question: `What is ${i} plus ${i % 97}?`, answer: String(i + (i % 97)) }),
  );
  return {
    [`${name}.jsonl`]: `${rows.join('\n')}\n`,
    [`${name}.yaml`]: `task: ${name}
dataset_path: json
dataset_kwargs:
  data_files: { test: ${name}.jsonl }
test_split: test
output_type: generate_until
doc_to_text: "Q: {{question}}\\nA:"
doc_to_target: "{{answer}}"
num_fewshot: 0
generation_kwargs: { until: ["\\n"], max_gen_toks: 16, do_sample: false }
metric_list:
  - { metric: exact_match, aggregation: mean, higher_is_better: true }
metadata: { version: 1.0 }
`,
  };
}

const NOUNS = ['apples', 'boxes', 'coins', 'lamps', 'stones', 'tickets', 'ropes', 'shelves'];

/** Word problems as long as those of GSM8K, with five worked examples before each and both of its filters. */
export function wordProblems(name: string, docs: number): Files {
  const problem = (i: number) => {
    const [a, b, c] = [3 + (i % 17), 2 + (i % 11), 5 + (i % 23)];
    const noun = NOUNS[i % NOUNS.length] ?? 'things';
    const question = `In the ${i}th week a shop receives ${a} crates with ${b} ${noun} in each crate. On the first day ${c % a} of the crates are sold whole, and on the next day a customer brings back ${c} single ${noun} because they were the wrong kind. How many ${noun} does the shop have after both days?`;
    const left = (a - (c % a)) * b;
    const answer = `After the first day there are ${a} - ${c % a} = ${a - (c % a)} crates left. They hold ${a - (c % a)} * ${b} = ${left} ${noun}. With those that came back there are ${left} + ${c} = ${left + c} ${noun}.\n#### ${left + c}`;
    return JSON.stringify({ question, answer });
  };
  const rows = (from: number, n: number) =>
    `${Array.from({ length: n }, (_, i) => problem(from + i)).join('\n')}\n`;
  return {
    [`${name}-test.jsonl`]: rows(1_000, docs),
    [`${name}-train.jsonl`]: rows(0, 64),
    [`${name}.yaml`]: `task: ${name}
dataset_path: json
dataset_kwargs:
  data_files: { train: ${name}-train.jsonl, test: ${name}-test.jsonl }
training_split: train
fewshot_split: train
test_split: test
output_type: generate_until
doc_to_text: "Question: {{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
num_fewshot: 5
generation_kwargs: { until: ["Question:", "</s>", "<|im_end|>"], max_gen_toks: 256, do_sample: false, temperature: 0.0 }
repeats: 1
metric_list:
  - { metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true, ignore_punctuation: false, regexes_to_ignore: [",", "\\\\$", "(?s).*#### ", "\\\\.$"] }
filter_list:
  - name: strict-match
    filter: [{ function: regex, regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)" }, { function: take_first }]
  - name: flexible-extract
    filter: [{ function: regex, group_select: -1, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)" }, { function: take_first }]
metadata: { version: 3.0 }
`,
  };
}
