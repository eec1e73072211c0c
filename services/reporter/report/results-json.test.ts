import { describe, expect, it } from 'vitest';
import type { MetricResult } from '../ports.ts';
import { blobs, finalRequest, toyTask } from '../testing/builders.ts';
import { resultsJson, type TaskReport } from './results-json.ts';

function metric(name: string, filter: string, parts: Partial<MetricResult> = {}): MetricResult {
  return {
    metric: name,
    filter,
    value: 0,
    stderr: 0,
    low: 0,
    high: 0.4,
    n: 11,
    higherIsBetter: true,
    ...parts,
  };
}

function report(task: string, metrics: readonly MetricResult[]): TaskReport {
  const { plan } = toyTask(blobs().put, { task, docs: 11 });
  const counts = { expected: 11, scored: 11, unscored: 0, promptTokens: 1, completionTokens: 1 };
  return {
    plan,
    hash: 'ab'.repeat(32),
    measure: {
      sampleLength: 11,
      longest: null,
      result: { task, metrics, docs: 11, ...counts, truncatedPrompts: 0, reasons: {} },
    },
  };
}

const request = finalRequest(blobs().put, [toyTask(blobs().put)]);
const tasks = [
  report('toy', [
    metric('exact_match', 'strict', { value: 2 / 3, stderr: 0.33333333333333337 }),
    metric('exact_match', 'flex', { value: 1, stderr: null }),
  ]),
  report('code', [metric('pass@1', 'none')]),
];

describe('resultsJson', () => {
  const text = resultsJson(request, tasks);
  const found = JSON.parse(text) as Record<string, Record<string, Record<string, unknown>>>;

  // The keys and their order are those of a run of lm-evaluation-harness 0.4.13 with its `dummy` model.
  it('has the keys of lm-evaluation-harness 0.4.13, in its order', () => {
    expect(Object.keys(found).filter((key) => key !== 'assay')).toEqual([
      'results',
      'group_subtasks',
      'configs',
      'versions',
      'n-shot',
      'higher_is_better',
      'n-samples',
      'config',
      'git_hash',
      'date',
      'pretty_env_info',
      'transformers_version',
      'lm_eval_version',
      'upper_git_hash',
      'task_hashes',
      'model_source',
      'model_name',
      'model_name_sanitized',
      'system_instruction',
      'system_instruction_sha',
      'fewshot_as_multiturn',
      'chat_template',
      'chat_template_sha',
      'total_evaluation_time_seconds',
    ]);
    expect(Object.keys(found['config'] ?? {})).toEqual([
      'model',
      'model_args',
      'batch_size',
      'batch_sizes',
      'device',
      'use_cache',
      'limit',
      'bootstrap_iters',
      'gen_kwargs',
      'random_seed',
      'numpy_seed',
      'torch_seed',
      'fewshot_seed',
    ]);
  });

  it('writes a task as the reference does, floats with their point', () => {
    expect(text).toContain(`  "results": {
    "toy": {
      "name": "toy",
      "alias": "toy",
      "sample_len": 11,
      "exact_match,strict": 0.6666666666666666,
      "exact_match_stderr,strict": 0.33333333333333337,
      "exact_match,flex": 1.0,
      "exact_match_stderr,flex": "N/A"
    },`);
    expect(text).toContain('"toy": 1.0');
    expect(found['n-samples']).toMatchObject({ toy: { original: 12, effective: 11 } });
    expect(found['higher_is_better']).toEqual({ code: { 'pass@1': true }, toy: { exact_match: true } });
  });

  it('keeps results in the order of the job and sorts what the reference sorts', () => {
    expect(Object.keys(found['results'] ?? {})).toEqual(['toy', 'code']);
    expect(Object.keys(found['n-samples'] ?? {})).toEqual(['toy', 'code']);
    for (const key of ['configs', 'versions', 'n-shot', 'higher_is_better']) {
      expect(Object.keys(found[key] ?? {})).toEqual(['code', 'toy']);
    }
  });

  it('makes the model\u2019s name safe for a path as the reference does', () => {
    expect(JSON.parse(resultsJson({ ...request, model: 'a/b:c<>d' }, tasks))).toMatchObject({
      model_name: 'a/b:c<>d',
      model_name_sanitized: 'a__b__c__d',
    });
  });
});
