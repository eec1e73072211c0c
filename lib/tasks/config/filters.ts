import type { FilterPipeline, FilterStep, OutputType } from '@assay/lib/domain';
import { compilePythonRegex } from '../pylang/index.ts';
import type { Problems } from '../problem.ts';
import type { Place, YamlNode } from '../yaml/node.ts';
import { Fields, smallInt } from './fields.ts';

/** Defaults of lm-evaluation-harness' regex filter. */
export const REGEX_DEFAULTS = {
  regex_pattern: '#### (\\-?[0-9\\.\\,]+)',
  group_select: 0,
  fallback: '[invalid]',
} as const;

const TAKE_FIRST: FilterPipeline = { name: 'none', steps: [{ function: 'take_first', args: {} }] };
const FUNCTIONS = new Set(['regex', 'take_first', 'remove_whitespace', 'majority_vote']);

/** Reads `filter_list`; without one there is the pipeline `none`, which takes the first response. */
export function readPipelines(
  fields: Fields,
  outputType: OutputType,
  code: boolean,
): readonly FilterPipeline[] {
  const { problems } = fields;
  const list = fields.list('filter_list');
  if (list === undefined) return [TAKE_FIRST];
  const pipelines = list.items.flatMap((item) => readPipeline(item, problems, outputType, code));
  const names = new Set(pipelines.map(({ name }) => name));
  if (names.size < pipelines.length)
    problems.invalid(list.place, 'filter_list: two pipelines have the same name');
  if (list.items.length === 0) problems.invalid(list.place, 'filter_list must not be empty');
  if (code && list.items.length > 1) {
    problems.unsupported(list.place, 'a code task has one filter pipeline, for each answer is executed once');
  }
  return pipelines;
}

function readPipeline(
  node: YamlNode,
  problems: Problems,
  outputType: OutputType,
  code: boolean,
): FilterPipeline[] {
  if (node.kind !== 'map') {
    problems.invalid(node.place, 'a filter pipeline must be a mapping with name and filter');
    return [];
  }
  const fields = Fields.of(node, problems, 'filter_list.');
  const name = fields.text('name');
  const steps = fields.list('filter');
  fields.finish();
  if (name === undefined && !fields.has('name'))
    problems.invalid(node.place, 'a filter pipeline needs a name');
  if (steps === undefined && !fields.has('filter'))
    problems.invalid(node.place, 'a filter pipeline needs filter');
  if (name === undefined || steps === undefined) return [];
  if (name === '' || name.includes(',')) {
    problems.invalid(
      fields.place('name') ?? node.place,
      'the name of a pipeline must not be empty or hold a comma',
    );
  }
  return [{ name, steps: steps.items.flatMap((step) => readStep(step, problems, outputType, code)) }];
}

function readStep(node: YamlNode, problems: Problems, outputType: OutputType, code: boolean): FilterStep[] {
  if (node.kind !== 'map') {
    problems.invalid(node.place, 'a filter must be a mapping with function');
    return [];
  }
  const fields = Fields.of(node, problems, 'filter.');
  const name = fields.text('function');
  if (name === undefined) {
    if (!fields.has('function')) problems.invalid(node.place, 'a filter needs function');
    return [];
  }
  if (!supported(name, outputType, code)) {
    const place = fields.place('function') ?? node.place;
    problems.unsupported(
      place,
      `filter "${name}" is not supported ${FUNCTIONS.has(name) ? 'in this kind of task' : 'yet'}`,
    );
    return [];
  }
  const args = name === 'regex' ? readRegex(fields, node.place) : {};
  fields.finish(`filter ${name} has no argument`);
  return [{ function: name, args }];
}

function supported(name: string, outputType: OutputType, code: boolean): boolean {
  if (outputType === 'multiple_choice') return name === 'take_first';
  return FUNCTIONS.has(name) && !(code && name === 'majority_vote');
}

function readRegex(fields: Fields, place: Place): FilterStep['args'] {
  const pattern = fields.text('regex_pattern');
  const select = fields.scalar('group_select', 'a whole number', smallInt);
  const fallback = fields.text('fallback');
  if (pattern !== undefined) checkPattern(fields.problems, pattern, fields.place('regex_pattern') ?? place);
  return {
    ...(pattern === undefined ? {} : { regex_pattern: pattern }),
    ...(select === undefined ? {} : { group_select: select }),
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** Reports a pattern that Python's `re` refuses, or that is not supported. */
export function checkPattern(problems: Problems, pattern: string, place: Place): void {
  try {
    compilePythonRegex(pattern);
  } catch (thrown) {
    problems.caught(thrown, place);
  }
}
