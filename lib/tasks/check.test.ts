import { describe, expect, it } from 'vitest';
import { bundleOf, jsonLines, smallTask } from './fixtures/bundle.ts';
import { checkTasks, openTask } from './index.ts';

type Files = Record<string, string | Uint8Array>;

async function problemsIn(files: Files, selection: object = {}): Promise<string[]> {
  const { problems } = await checkTasks(bundleOf(files), [{ name: 'T', ...selection }]);
  return problems.map(({ reason, field, message }) => `${reason} ${field} ${message}`);
}

async function docsIn(files: Files): Promise<number> {
  return (await openTask(bundleOf(files), { name: 'T' }, 1)).header.originalDocs;
}

const swap = (from: string, to: string) => smallTask('', undefined, (yaml) => yaml.replace(from, to));
const withData = (data: string | Uint8Array) => smallTask('', data);

describe('checkTasks', () => {
  it('finds nothing wrong with a good task and names the files that it needs', async () => {
    const files = { ...smallTask(), 'f/unused.yaml': 'task: other\n' };
    expect(await checkTasks(bundleOf(files), [{ name: 'T' }])).toEqual({
      problems: [],
      closure: ['f/d.jsonl', 'f/t.yaml'],
      kinds: ['score'],
    });
  });

  const cases: readonly (readonly [string, Files, readonly string[]])[] = [
    [
      'a Python hook',
      smallTask('process_docs: !function utils.p\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:25 process_docs calls'],
    ],
    [
      'a hook deep inside',
      smallTask('metric_list:\n  - metric: exact_match\n    aggregation: !function u.a\n'),
      ['TASK_UNSUPPORTED f/t.yaml:10:28'],
    ],
    [
      'a hook instead of a template, once',
      swap('"Q {{q}}"', '!function u.t'),
      ['TASK_UNSUPPORTED f/t.yaml:6:24 doc_to_text calls'],
    ],
    ['YAML that does not parse', swap('task: T', 'task: T\nx: [1'), ['TASK_INVALID f/t.yaml:3:1 YAML:']],
    ['a template error', swap('Q {{q}}', 'Q {{q'), ['TASK_INVALID f/t.yaml:6:']],
    [
      'a template error in a block',
      swap('"Q {{q}}"', '|\n  one\n  {{ q | nope }}'),
      ["TASK_INVALID f/t.yaml:8:10 doc_to_text: no filter named 'nope'"],
    ],
    [
      'a template error behind an escaped line break',
      swap('Q {{q}}', 'Q {{q}}\\n{{ q | }}'),
      ['TASK_INVALID f/t.yaml:6:15 doc_to_text:'],
    ],
    ['an unknown key', smallTask('doc_to_txt: x\n'), ['TASK_INVALID f/t.yaml:8:1 unknown key "doc_to_txt"']],
    ['another output type', smallTask('output_type: loglikelihood\n'), ['TASK_UNSUPPORTED f/t.yaml:8:14']],
    [
      'another metric',
      smallTask('metric_list: [{metric: bleu}]\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:24 metric "bleu"'],
    ],
    [
      'another aggregation',
      smallTask('metric_list: [{metric: exact_match, aggregation: median}]\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:50'],
    ],
    [
      'an argument that the metric does not have',
      smallTask('metric_list: [{metric: exact_match, foo: 1}]\n'),
      ['TASK_INVALID f/t.yaml:8:37 exact_match has no argument'],
    ],
    [
      'another filter',
      smallTask('filter_list: [{name: a, filter: [{function: lowercase}]}]\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:45 filter "lowercase"'],
    ],
    [
      'a pattern that Python refuses',
      smallTask('filter_list: [{name: a, filter: [{function: regex, regex_pattern: "(a"}]}]\n'),
      ['TASK_INVALID f/t.yaml:8:67'],
    ],
    [
      'two pipelines of one name',
      smallTask('filter_list: [{name: a, filter: []}, {name: a, filter: []}]\n'),
      ['TASK_INVALID f/t.yaml:8:14 filter_list: two'],
    ],
    [
      'another sampler',
      smallTask('fewshot_config: {sampler: balanced}\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:27'],
    ],
    [
      'a data set of a hub',
      swap('dataset_path: json', 'dataset_path: org/set'),
      ['TASK_UNSUPPORTED f/t.yaml:2:15'],
    ],
    [
      'a split without files',
      swap('test_split: test', 'test_split: tets'),
      ['TASK_INVALID f/t.yaml:5:13 test_split: data_files has no split "tets"'],
    ],
    [
      'a data file that is not there',
      swap('d.jsonl', 'e.jsonl'),
      ['TASK_DATA_INVALID f/t.yaml:4:23 there is no data file e.jsonl'],
    ],
    ['a data file outside the bundle', swap('d.jsonl', '../../d.jsonl'), ['TASK_DATA_INVALID f/t.yaml:4:23']],
    [
      'data that is not JSON lines',
      withData('{"q":"x","a":"y"}\nhello\n'),
      ['TASK_DATA_INVALID f/d.jsonl:2 not JSON'],
    ],
    ['a document that is no object', withData('[1]\n'), ['TASK_DATA_INVALID f/d.jsonl:1']],
    [
      'data that is not UTF-8',
      withData(new Uint8Array([0x7b, 0xff, 0x7d])),
      ['TASK_DATA_INVALID f/d.jsonl:1 not valid UTF-8'],
    ],
    [
      'half of a surrogate pair',
      withData('{"q":"\\ud800","a":"y"}\n'),
      ['TASK_DATA_INVALID f/d.jsonl:1 half of a surrogate'],
    ],
    ['no documents', withData('\n'), ['TASK_DATA_INVALID f/t.yaml:5:13 split "test" has no documents']],
    [
      'a column that no document has',
      swap('{{a}}', '{{b}}'),
      ['TASK_DATA_INVALID f/d.jsonl:1 no column "b", which doc_to_target (f/t.yaml:7:16) names'],
    ],
    [
      'a column that one document does not have',
      withData('{"q":"x","a":"y"}\n\n{"q":"z"}\n'),
      ['TASK_DATA_INVALID f/d.jsonl:3 no column "a"'],
    ],
    ['a value that the template cannot use', swap('{{a}}', '{{a.b.c}}'), ['TASK_INVALID f/d.jsonl:1']],
    [
      'choices that YAML reads as truth values',
      smallTask('output_type: multiple_choice\ndoc_to_choice: [yes, "no"]\n'),
      ['TASK_INVALID f/t.yaml:9:17 doc_to_choice: every choice must be a text'],
    ],
    [
      'multiple choice without choices',
      smallTask('output_type: multiple_choice\n'),
      ['TASK_INVALID f/t.yaml:1:1 a multiple_choice task needs doc_to_choice'],
    ],
    [
      'a chat that is to be cut',
      smallTask('metadata: {assay: {api: chat, long_prompt: truncate}}\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:44 only the server knows'],
    ],
    [
      'multiple choice over the chat API',
      smallTask('output_type: multiple_choice\ndoc_to_choice: ["a", "b"]\nmetadata: {assay: {api: chat}}\n'),
      ['TASK_INVALID f/t.yaml:10:25'],
    ],
    [
      'few-shot with more shots than documents',
      smallTask('fewshot_split: test\nnum_fewshot: 3\n'),
      ['TASK_INVALID f/t.yaml:9:14 3-shot prompts need a pool of 4 documents'],
    ],
    [
      'choices that are empty',
      smallTask('output_type: multiple_choice\ndoc_to_choice: ["", ""]\n'),
      [
        'TASK_INVALID f/t.yaml:9:17 doc_to_choice: a choice',
        'TASK_INVALID f/t.yaml:9:21 doc_to_choice: a choice',
      ],
    ],
    [
      'an include that is not there',
      smallTask('include: no.yaml\n'),
      ['TASK_INVALID f/t.yaml:8:10 include: there is no file no.yaml'],
    ],
    [
      'an include of itself',
      smallTask('include: t.yaml\n'),
      ['TASK_INVALID f/t.yaml:8:10 f/t.yaml is included twice'],
    ],
    [
      'pass_at_k without code',
      smallTask('metric_list: [{metric: pass_at_k}]\n'),
      ['TASK_UNSUPPORTED f/t.yaml:8:24'],
    ],
    [
      'an unknown key of metadata.assay',
      smallTask('metadata: {assay: {apy: chat}}\n'),
      ['TASK_INVALID f/t.yaml:8:20 unknown key "metadata.assay.apy"'],
    ],
    [
      'a k without enough repeats',
      smallTask('metadata: {assay: {code: {entry: q, tests: a, k: [1, 4]}}}\n'),
      ['TASK_INVALID f/t.yaml:8:50 pass@4 needs 4 answers'],
    ],
    [
      'limits that no execution can have',
      smallTask(
        'metadata: {assay: {code: {entry: q, tests: a, cpu_seconds: 10000000000, wall_seconds: 3e6, memory_mib: 16}}}\n',
      ),
      [
        'TASK_INVALID f/t.yaml:8:60 metadata.assay.code.cpu_seconds must be a number from 0.01 to 300',
        'TASK_INVALID f/t.yaml:8:87 metadata.assay.code.wall_seconds must be a number from 0.01 to 600',
        'TASK_INVALID f/t.yaml:8:104 metadata.assay.code.memory_mib must be a number from 64 to 8192',
      ],
    ],
    ['a group', { 'g.yaml': 'group: T\ntask: [a]\n' }, ['TASK_UNSUPPORTED g.yaml:1:1 "T" is a group']],
  ];
  it.each(cases)('refuses %s, with file and line', async (_, files, expected) => {
    const found = await problemsIn(files);
    expect(found.map((problem, at) => problem.slice(0, expected[at]?.length))).toEqual(expected);
  });

  it('tells every problem of all selections at once, each with its index', async () => {
    const files = smallTask('metric_list: [{metric: bleu}]\nbogus: 1\n', undefined, (yaml) =>
      yaml.replace('{{a}}', '{{b}}'),
    );
    const { problems } = await checkTasks(bundleOf(files), [{ name: 'nope' }, { name: 'T', limit: 0 }]);
    expect(problems.map(({ index, reason, field }) => [index, reason, field])).toEqual([
      [0, 'UNKNOWN_TASK', 'name'],
      [1, 'INVALID_REQUEST', 'limit'],
      [1, 'TASK_UNSUPPORTED', 'f/t.yaml:8:24'],
      [1, 'TASK_INVALID', 'f/t.yaml:9:1'],
      [1, 'TASK_DATA_INVALID', 'f/d.jsonl:1'],
    ]);
  });

  it.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: -3 }, 'limit'],
    [{ limit: 1.5 }, 'limit'],
    [{ numFewshot: -1 }, 'num_fewshot'],
    [{ numFewshot: 9 }, 'num_fewshot'],
    [{ genKwargs: { temperature: 'hot' } }, 'gen_kwargs_json'],
    [{ genKwargs: { max_gen_toks: 0 } }, 'gen_kwargs_json'],
    [{ genKwargs: { until: [''] } }, 'gen_kwargs_json'],
  ])('refuses the override %j', async (override, field) => {
    expect(await problemsIn(smallTask(), override)).toEqual([
      expect.stringMatching(`^INVALID_REQUEST ${field} `),
    ]);
  });

  it('keeps 0 shots when the task says 0, whatever is asked for', async () => {
    const files = bundleOf(smallTask('num_fewshot: 0\n'));
    expect((await checkTasks(files, [{ name: 'T', numFewshot: 50 }])).problems).toEqual([]);
    expect((await openTask(files, { name: 'T', numFewshot: 50 }, 1)).header.numFewshot).toBe(0);
  });

  it('blames a file that cannot be read only when it defines the task', async () => {
    const files = { ...smallTask(), 'broken.yaml': 'task: Broken # x\ny: [1\n' };
    expect(await problemsIn(files)).toEqual([]);
    expect(await problemsIn(files, { name: 'Broken' })).toEqual([
      expect.stringMatching(/^TASK_INVALID broken.yaml:3:1/),
    ]);
    expect(await problemsIn(files, { name: 'Else' })).toEqual([
      expect.stringMatching(/^UNKNOWN_TASK name .*broken.yaml/),
    ]);
  });
});

describe('openTask', () => {
  it('throws one error that names every problem', async () => {
    const opening = openTask(bundleOf(smallTask('bogus: 1\nworse: 2\n')), { name: 'T' }, 1);
    await expect(opening).rejects.toMatchObject({
      reason: 'TASK_INVALID',
      violations: [{ field: 'f/t.yaml:8:1' }, { field: 'f/t.yaml:9:1' }],
    });
  });

  it('names the document that cannot be rendered', async () => {
    const data = jsonLines({ q: 'x', a: ['1'] }, { q: 'y', a: null });
    const task = await openTask(
      bundleOf(smallTask('', data, (yaml) => yaml.replace('{{a}}', '{{a[0]}}'))),
      { name: 'T' },
      1,
    );
    const walk = async () => {
      for await (const _ of task.items());
    };
    await expect(walk()).rejects.toMatchObject({
      reason: 'TASK_INVALID',
      violations: [{ field: 'f/d.jsonl:2' }],
    });
  });

  it('finds data beside the task first, then in the folders above', async () => {
    const base = smallTask();
    const yaml = base['f/t.yaml'] ?? '';
    const one = jsonLines({ q: 'x', a: 'y' });
    expect(await docsIn({ ...base, 'd.jsonl': one })).toBe(3);
    expect(await docsIn({ 'f/g/t.yaml': yaml, 'd.jsonl': one })).toBe(1);
  });
});
