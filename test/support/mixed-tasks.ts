/** Three small tasks of every kind that there is, with repeats: what the fault test evaluates. */
export interface Mixed {
  readonly files: Readonly<Record<string, string>>;
  readonly tasks: readonly string[];
  readonly samples: number;
  readonly scores: number;
}

export function mixedTasks(docs: {
  readonly generate: number;
  readonly choices: number;
  readonly code: number;
  readonly repeated: number;
}): Mixed {
  const jsonl = (n: number, row: (i: number) => object) =>
    `${Array.from({ length: n }, (_, i) => JSON.stringify(row(i))).join('\n')}\n`;
  const head = (name: string) =>
    `task: ${name}\ndataset_path: json\ndataset_kwargs:\n  data_files: { test: ${name}.jsonl }\ntest_split: test\nnum_fewshot: 0\n`;
  const files = {
    'fault_generate.jsonl': jsonl(docs.generate, (i) => ({ q: `generate ${i}`, a: String(i % 10) })),
    'fault_generate.yaml': `${head('fault_generate')}output_type: generate_until
doc_to_text: "{{q}}:"
doc_to_target: "{{a}}"
generation_kwargs: { until: ["\\n"], max_gen_toks: 32, do_sample: false }
filter_list:
  - name: digit
    filter: [{ function: regex, regex_pattern: "([0-9])" }, { function: take_first }]
metric_list:
  - { metric: exact_match, aggregation: mean, higher_is_better: true }
metadata: { version: 1.0 }
`,
    'fault_choices.jsonl': jsonl(docs.choices, (i) => ({
      q: `choose ${i}`,
      choices: ['red', 'green', 'blue'],
      answer: i % 3,
    })),
    'fault_choices.yaml': `${head('fault_choices')}output_type: multiple_choice
doc_to_text: "{{q}}:"
doc_to_choice: choices
doc_to_target: answer
metric_list:
  - { metric: acc, aggregation: mean, higher_is_better: true }
  - { metric: acc_norm, aggregation: mean, higher_is_better: true }
metadata: { version: 1.0 }
`,
    'fault_code.jsonl': jsonl(docs.code, (i) => ({
      q: `code ${i}`,
      entry: 'f',
      tests: `def check(f):\n    assert f(${i}) == ${i} + 1\n\ncheck(f)\n`,
    })),
    'fault_code.yaml': `${head('fault_code')}output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "{{tests}}"
repeats: 2
generation_kwargs: { until: ["<end>"], max_gen_toks: 64, do_sample: true, temperature: 0.8 }
metric_list:
  - { metric: pass_at_k, aggregation: mean, higher_is_better: true }
metadata:
  version: 1.0
  assay:
    code: { entry: entry, tests: tests, k: [1, 2], cpu_seconds: 2, wall_seconds: 20 }
`,
    'fault_repeated.jsonl': jsonl(docs.repeated, (i) => ({ q: `vote ${i}`, a: String(i % 4) })),
    'fault_repeated.yaml': `${head('fault_repeated')}output_type: generate_until
doc_to_text: "{{q}}:"
doc_to_target: "{{a}}"
repeats: 4
generation_kwargs: { until: ["\\n"], max_gen_toks: 32, do_sample: true, temperature: 1.0 }
filter_list:
  - name: vote
    filter: [{ function: regex, regex_pattern: "([0-9])" }, { function: majority_vote }, { function: take_first }]
metric_list:
  - { metric: exact_match, aggregation: mean, higher_is_better: true }
metadata: { version: 1.0 }
`,
  };
  return {
    files,
    tasks: ['fault_generate', 'fault_choices', 'fault_code', 'fault_repeated'],
    samples: docs.generate + docs.choices + 2 * docs.code + 4 * docs.repeated,
    scores: docs.generate + docs.choices + 2 * docs.code + docs.repeated,
  };
}
