import type {
  Metric,
  ReportFile as FileMessage,
  Result,
  TaskResult as TaskMessage,
} from '@assay/proto/assay/v1/result';
import type { FinalResult, MetricResult, ReportFile, TaskResult } from './ports.ts';
import { coverage } from './report/results-json.ts';

/** A final result as a message, with its report. */
export function finalMessage(final: FinalResult, createdAt: number): Result {
  return {
    jobId: final.job,
    final: true,
    model: final.model,
    tasks: final.tasks.map(taskMessage),
    createTime: new Date(createdAt).toISOString(),
    resultsJson: final.resultsJson,
    reportMarkdown: final.markdown,
    files: final.files.map(fileMessage),
  };
}

/** A result without a report: of a job that runs, or in a list. */
export function briefMessage(facts: {
  readonly job: string;
  readonly final: boolean;
  readonly model: string;
  readonly createdAt: number;
  readonly tasks: readonly TaskResult[];
}): Result {
  return {
    jobId: facts.job,
    final: facts.final,
    model: facts.model,
    tasks: facts.tasks.map(taskMessage),
    createTime: new Date(facts.createdAt).toISOString(),
    resultsJson: '',
    reportMarkdown: '',
    files: [],
  };
}

export function fileMessage({ name, path, bytes }: ReportFile): FileMessage {
  return { name, path, bytes: BigInt(bytes) };
}

function taskMessage(result: TaskResult): TaskMessage {
  return {
    task: result.task,
    metrics: result.metrics.map((metric) => metricMessage(result.task, metric)),
    docs: BigInt(result.docs),
    expected: BigInt(result.expected),
    scored: BigInt(result.scored),
    unscored: BigInt(result.unscored),
    coverage: coverage(result),
    promptTokens: BigInt(result.promptTokens),
    completionTokens: BigInt(result.completionTokens),
    truncatedPrompts: BigInt(result.truncatedPrompts),
    unscoredReasons: Object.entries(result.reasons).map(([reason, count]) => ({
      reason,
      count: BigInt(count),
    })),
  };
}

function metricMessage(task: string, metric: MetricResult): Metric {
  return {
    task,
    filter: metric.filter,
    metric: metric.metric,
    value: metric.value,
    stderr: metric.stderr ?? undefined,
    low: metric.low ?? undefined,
    high: metric.high ?? undefined,
    n: BigInt(metric.n),
    higherIsBetter: metric.higherIsBetter,
  };
}
