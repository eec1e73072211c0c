import type { Files } from './world.ts';

const DOCS = [1, 2, 3].map((n) => `${JSON.stringify({ q: `question ${n}`, a: String(n) })}\n`).join('');

/** The smallest good task, `T` in `t.yaml`, over `d.jsonl`; `more` is appended to its YAML. Line 7 is its last. */
export function goodTask(more = '', data = DOCS): Files {
  const yaml = `task: T
dataset_path: json
dataset_kwargs:
  data_files: { test: d.jsonl }
test_split: test
doc_to_text: "{{q}}:"
doc_to_target: "{{a}}"
`;
  return { 't.yaml': yaml + more, 'd.jsonl': data };
}

/** The good task with one text of its YAML in another's place. */
export function changed(from: string, to: string): Files {
  const { 't.yaml': yaml = '', ...files } = goodTask();
  return { ...files, 't.yaml': yaml.replace(from, to) };
}

/** A task that asks for the log-probabilities of two choices. */
export function choiceTask(more = ''): Files {
  return goodTask(`output_type: multiple_choice\ndoc_to_choice: ["1", "2"]\n${more}`);
}

/** Two short prompts and one of about 400 tokens, with these settings of `metadata.assay`. */
export function longTask(assay: string): Files {
  const rows = ['one', 'two', Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ')];
  const data = rows.map((q) => `${JSON.stringify({ q, a: '1' })}\n`).join('');
  return goodTask(
    `generation_kwargs: { until: ["\\n"], max_gen_toks: 16 }\nmetadata: { assay: { ${assay} } }\n`,
    data,
  );
}
