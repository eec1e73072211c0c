import type { TaskPlan } from '@assay/lib/domain';
import { dumpJson, Float, type JsonInput } from '@assay/lib/tasks';
import type { FinalRequest, MetricResult } from '../ports.ts';
import type { Measure } from './measure.ts';
import { toJson } from './samples.ts';

/** One task of a finished job, ready to be written down. */
export interface TaskReport {
  readonly plan: TaskPlan;
  readonly measure: Measure;
  /** SHA-256 over the three hashes of all lines of the task's samples file. */
  readonly hash: string;
}

/**
 * The results file of lm-evaluation-harness 0.4.13: its keys, their order, Python's spelling of numbers. One key more,
 * `assay`, holds what that format has no place for. What may differ between two runs of the same evaluation:
 * `config.model_args`, `date`, `total_evaluation_time_seconds`, `assay.job` and `assay.provenance`.
 */
export function resultsJson(request: FinalRequest, tasks: readonly TaskReport[]): string {
  return dumpJson(
    {
      results: byTask(tasks, taskMetrics),
      group_subtasks: {},
      configs: byName(tasks, ({ plan }) => toJson(plan.config)),
      versions: byName(tasks, ({ plan }) => version(plan.version)),
      'n-shot': byName(tasks, ({ plan }) => plan.numFewshot),
      higher_is_better: byName(tasks, ({ measure, plan }) => directions(measure.result.metrics, plan)),
      'n-samples': byTask(tasks, ({ plan, measure }) => ({
        original: plan.originalDocs,
        effective: measure.sampleLength,
      })),
      config: runConfig(request, tasks),
      git_hash: null,
      date: new Float(request.startMs / 1000),
      pretty_env_info: 'N/A',
      transformers_version: 'N/A',
      // A PEP 440 local version: the format of 0.4.13, written by something else.
      lm_eval_version: '0.4.13+assay',
      upper_git_hash: null,
      task_hashes: byTask(tasks, ({ hash }) => hash),
      model_source: sourceOf(tasks),
      model_name: request.model,
      model_name_sanitized: request.model.replace(/["<>:/|\\?*[\]]+/g, '__'),
      system_instruction: null,
      system_instruction_sha: null,
      fewshot_as_multiturn: tasks.some(({ plan }) => plan.needs.api === 'chat') ? true : null,
      chat_template: null,
      chat_template_sha: null,
      total_evaluation_time_seconds: String((request.endMs - request.startMs) / 1000),
      assay: {
        job: request.job,
        epoch: request.epoch,
        provenance: Object.fromEntries(
          Object.entries(request.provenance).sort(([a], [b]) => (a < b ? -1 : 1)),
        ),
        tasks: byTask(tasks, ({ measure }) => trust(measure)),
      },
    },
    { indent: 2, ensureAscii: false },
  ).toWellFormed();
}

/** Keys of a task's metric and of its standard error in results files. */
export function metricKeys(metric: MetricResult): { readonly value: string; readonly stderr: string } {
  return { value: `${metric.metric},${metric.filter}`, stderr: `${metric.metric}_stderr,${metric.filter}` };
}

function taskMetrics({ plan, measure }: TaskReport): JsonInput {
  const entries: [string, JsonInput][] = [
    ['name', plan.task],
    ['alias', plan.alias],
    ['sample_len', measure.sampleLength],
  ];
  for (const metric of measure.result.metrics) {
    const keys = metricKeys(metric);
    entries.push([keys.value, new Float(metric.value)]);
    entries.push([keys.stderr, metric.stderr === null ? 'N/A' : new Float(metric.stderr)]);
  }
  return new Map(entries);
}

function directions(metrics: readonly MetricResult[], plan: TaskPlan): JsonInput {
  const named = metrics.length > 0 ? metrics : plan.metrics;
  return new Map(named.map(({ metric, higherIsBetter }) => [metric, higherIsBetter]));
}

function runConfig(request: FinalRequest, tasks: readonly TaskReport[]): JsonInput {
  const limits = new Set(tasks.map(({ plan }) => (plan.docs < plan.originalDocs ? plan.docs : null)));
  const [limit = null] = limits;
  return {
    model: sourceOf(tasks),
    model_args: { model: request.model, base_url: request.endpoint },
    batch_size: 1,
    batch_sizes: [],
    device: null,
    use_cache: null,
    limit: limits.size === 1 ? limit : null,
    bootstrap_iters: 100_000,
    gen_kwargs: {},
    random_seed: request.seed,
    numpy_seed: request.seed,
    torch_seed: request.seed,
    fewshot_seed: request.seed,
  };
}

/** The name under which lm-evaluation-harness knows such a server. */
function sourceOf(tasks: readonly TaskReport[]): string {
  const chat = tasks.length > 0 && tasks.every(({ plan }) => plan.needs.api === 'chat');
  return chat ? 'local-chat-completions' : 'local-completions';
}

function trust({ result }: Measure): JsonInput {
  return {
    docs: result.docs,
    expected: result.expected,
    scored: result.scored,
    unscored: result.unscored,
    coverage: new Float(coverage(result)),
    unscored_reasons: new Map(Object.entries(result.reasons)),
    prompt_tokens: result.promptTokens,
    completion_tokens: result.completionTokens,
    truncated_prompts: result.truncatedPrompts,
    intervals_95: new Map(
      result.metrics.flatMap((metric): [string, JsonInput][] =>
        metric.low === null || metric.high === null
          ? []
          : [[metricKeys(metric).value, [new Float(metric.low), new Float(metric.high)]]],
      ),
    ),
  };
}

/** Scored share of what was expected; all or nothing while that is not known. */
export function coverage(result: { readonly scored: number; readonly expected: number }): number {
  return result.expected === 0 ? Math.min(1, result.scored) : result.scored / result.expected;
}

/** A version as the task's YAML spells it: a number where it is one. */
function version(text: string): JsonInput {
  if (/^\d+$/.test(text)) return Number(text);
  return /^\d+\.\d+$/.test(text) ? new Float(Number(text)) : text;
}

function byTask(tasks: readonly TaskReport[], value: (task: TaskReport) => JsonInput): JsonInput {
  return new Map(tasks.map((task) => [task.plan.task, value(task)]));
}

function byName(tasks: readonly TaskReport[], value: (task: TaskReport) => JsonInput): JsonInput {
  return byTask(
    tasks.toSorted((a, b) => (a.plan.task < b.plan.task ? -1 : 1)),
    value,
  );
}
