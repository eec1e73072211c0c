import type { MetricSpec, OutputType } from '@assay/lib/domain';
import type { Problems } from '../problem.ts';
import { type YamlMap, type YamlNode, toPython } from '../yaml/node.ts';
import { Fields } from './fields.ts';
import { checkPattern } from './filters.ts';
import { toPlain } from './plain.ts';

/** In the order in which lm-evaluation-harness computes and reports them. */
const METRICS: Readonly<Record<OutputType, readonly string[]>> = {
  generate_until: ['exact_match'],
  multiple_choice: ['acc', 'acc_norm', 'exact_match'],
};
const FLAGS = ['ignore_case', 'ignore_punctuation', 'ignore_numbers'];

/** Reads `metric_list`; without one: exact_match, or acc and acc_norm. */
export function readMetrics(fields: Fields, outputType: OutputType): readonly MetricSpec[] {
  const { problems } = fields;
  const list = fields.list('metric_list');
  if (list === undefined) {
    const names = outputType === 'multiple_choice' ? ['acc', 'acc_norm'] : ['exact_match'];
    return names.map((metric) => ({ metric, aggregation: 'mean', higherIsBetter: true, args: {} }));
  }
  if (list.items.length === 0) problems.invalid(list.place, 'metric_list must not be empty');
  const known = METRICS[outputType];
  const specs = list.items.flatMap((item) => readMetric(item, problems, known, outputType));
  if (new Set(specs.map(({ metric }) => metric)).size < specs.length) {
    problems.invalid(list.place, 'metric_list names a metric twice');
  }
  return specs.sort((a, b) => known.indexOf(a.metric) - known.indexOf(b.metric));
}

/** The metrics of a code task: one pass@k for each k. Its `metric_list` may only say `pass_at_k`. */
export function readPassAtK(fields: Fields, ks: readonly number[]): readonly MetricSpec[] {
  const { problems } = fields;
  const list = fields.list('metric_list');
  for (const item of list?.items ?? []) {
    const entry = mapOf(item, problems);
    if (entry === undefined) continue;
    const metric = entry.text('metric');
    const aggregation = entry.text('aggregation');
    entry.ignore('higher_is_better');
    entry.finish('pass_at_k has no argument (k is in metadata.assay.code)');
    if (metric !== 'pass_at_k' && entry.place('metric') !== undefined) {
      problems.unsupported(
        entry.place('metric') ?? item.place,
        'the metric of a code task must be pass_at_k',
      );
    }
    if (aggregation !== undefined && aggregation !== 'mean' && aggregation !== 'pass_at_k') {
      problems.unsupported(
        entry.place('aggregation') ?? item.place,
        'pass_at_k has the aggregation pass_at_k',
      );
    }
  }
  return ks.map((k) => ({
    metric: `pass@${k}`,
    aggregation: 'pass_at_k',
    higherIsBetter: true,
    args: { k },
  }));
}

function readMetric(
  node: YamlNode,
  problems: Problems,
  known: readonly string[],
  outputType: OutputType,
): MetricSpec[] {
  const fields = mapOf(node, problems);
  if (fields === undefined || node.kind !== 'map') return [];
  const metric = fields.text('metric');
  const aggregation = fields.text('aggregation') ?? 'mean';
  const higherIsBetter = fields.flag('higher_is_better') ?? true;
  if (metric === undefined) return [];
  if (!known.includes(metric)) {
    const hint =
      metric === 'pass_at_k'
        ? '; code tasks need metadata.assay.code'
        : `; ${outputType} has ${known.join(', ')}`;
    problems.unsupported(
      fields.place('metric') ?? node.place,
      `metric "${metric}" is not supported here${hint}`,
    );
    return [];
  }
  if (aggregation !== 'mean') {
    problems.unsupported(
      fields.place('aggregation') ?? node.place,
      `aggregation "${aggregation}" is not supported; use mean`,
    );
  }
  if (outputType === 'generate_until') readArguments(fields);
  return [{ metric, aggregation: 'mean', higherIsBetter, args: argumentsOf(node) }];
}

// For multiple choice lm-evaluation-harness scores by itself: it never calls the metric, nor uses its arguments.
function readArguments(fields: Fields): void {
  const { problems } = fields;
  fields.ignore(...FLAGS);
  const evaluate = fields.flag('hf_evaluate');
  const place = fields.place('hf_evaluate');
  if (evaluate === true && place !== undefined) problems.unsupported(place, 'hf_evaluate is not supported');
  const patterns = fields.list('regexes_to_ignore');
  for (const pattern of patterns?.items ?? []) {
    if (pattern.kind === 'scalar' && typeof pattern.value === 'string') {
      checkPattern(problems, pattern.value, pattern.place);
    } else problems.invalid(pattern.place, 'regexes_to_ignore must be a list of texts');
  }
  fields.finish('exact_match has no argument');
}

function argumentsOf(map: YamlMap): MetricSpec['args'] {
  const own = new Set(['metric', 'aggregation', 'higher_is_better', 'hf_evaluate']);
  const rest = [...map.entries].filter(([key]) => !own.has(key));
  return Object.fromEntries(rest.map(([key, { node }]) => [key, toPlain(toPython(node))]));
}

function mapOf(node: YamlNode, problems: Problems): Fields | undefined {
  if (node.kind !== 'map') {
    problems.invalid(node.place, 'a metric must be a mapping with metric');
    return undefined;
  }
  const fields = Fields.of(node, problems, 'metric_list.');
  if (!fields.has('metric')) problems.invalid(node.place, 'an entry of metric_list needs metric');
  return fields;
}
