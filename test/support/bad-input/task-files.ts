import type { Reason } from '@assay/lib/errors';
import { NOWHERE, selection, T, type Refused } from './refused.ts';
import { changed, choiceTask, goodTask } from './tasks.ts';
import type { Files } from './world.ts';

function task(title: string, reason: Reason, fields: readonly string[], files: Files): Refused {
  return { title, act: (world) => world.submit(files, { target: NOWHERE, tasks: [T] }), reason, fields };
}

const metric = (name: string) => goodTask(`metric_list: [{ metric: ${name} }]\n`);
/** Task files that cannot be evaluated, each with the place that must be named. */
export const taskFiles: readonly Refused[] = [
  task('a Python hook', 'TASK_UNSUPPORTED', ['t.yaml:8:25'], goodTask('process_docs: !function utils.p\n')),
  task('loglikelihood', 'TASK_UNSUPPORTED', ['t.yaml:8:14'], goodTask('output_type: loglikelihood\n')),
  task(
    'rolling log-likelihood',
    'TASK_UNSUPPORTED',
    ['t.yaml:8:14'],
    goodTask('output_type: loglikelihood_rolling\n'),
  ),
  task(
    'a filter that is not built',
    'TASK_UNSUPPORTED',
    ['t.yaml:8:47'],
    goodTask('filter_list: [{ name: a, filter: [{ function: lowercase }] }]\n'),
  ),
  task('a metric that is not built', 'TASK_UNSUPPORTED', ['t.yaml:8:25'], metric('bleu')),
  task(
    'a data set of a hub',
    'TASK_UNSUPPORTED',
    ['t.yaml:2:15'],
    changed('dataset_path: json', 'dataset_path: org/set'),
  ),
  task('a field that no task has', 'TASK_INVALID', ['t.yaml:8:1'], goodTask('doc_to_txt: x\n')),
  task('YAML that does not parse', 'TASK_INVALID', ['t.yaml:3:1'], changed('task: T', 'task: T\nx: [1')),
  task('a template error', 'TASK_INVALID', ['t.yaml:6:28'], changed('{{q}}:', '{{q}} {{ q | }}')),
  task('a filter that no template has', 'TASK_INVALID', ['t.yaml:6:22'], changed('{{q}}:', '{{ q | nope }}')),
  task('a data file that is missing', 'TASK_DATA_INVALID', ['t.yaml:4:23'], changed('d.jsonl', 'e.jsonl')),
  task(
    'a data file outside the bundle',
    'TASK_DATA_INVALID',
    ['t.yaml:4:23'],
    changed('d.jsonl', '../../../token'),
  ),
  task(
    'data that is not JSONL',
    'TASK_DATA_INVALID',
    ['d.jsonl:2'],
    goodTask('', '{"q":"x","a":"y"}\nhello\n'),
  ),
  task('a column that no document has', 'TASK_DATA_INVALID', ['d.jsonl:1'], changed('{{a}}', '{{answer}}')),
  task(
    'a column that one document lacks',
    'TASK_DATA_INVALID',
    ['d.jsonl:2'],
    goodTask('', '{"q":"x","a":"y"}\n{"q":"z"}\n'),
  ),
  task(
    'more shots than the pool has',
    'TASK_INVALID',
    ['t.yaml:9:14'],
    goodTask('fewshot_split: test\nnum_fewshot: 3\n'),
  ),
  selection('more shots asked for than the pool has', 'INVALID_REQUEST', 'tasks[0].num_fewshot', {
    numFewshot: 9,
  }),
  task(
    'choices over the chat API',
    'TASK_INVALID',
    ['t.yaml:10:27'],
    choiceTask('metadata: { assay: { api: chat } }\n'),
  ),
  task(
    'a chat that is to be cut',
    'TASK_UNSUPPORTED',
    ['t.yaml:8:46'],
    goodTask('metadata: { assay: { api: chat, long_prompt: truncate } }\n'),
  ),
  task(
    'several problems in several files',
    'INVALID_REQUEST',
    ['t.yaml:8:25', 't.yaml:9:1', 'd.jsonl:2'],
    goodTask('metric_list: [{ metric: bleu }]\nbogus: 1\n', '{"q":"x","a":"y"}\n{"a":"z"}\n'),
  ),
];
