import type { FilterPipeline, FilterStep } from '@assay/lib/domain';
import { AssayError } from '../../errors.ts';
import { REGEX_DEFAULTS } from '../config/filters.ts';
import { type PythonRegex, compilePythonRegex, stripText } from '../pylang/index.ts';

/** What a filter takes and gives: at first the responses to one request, later whatever the filter before made of them. */
export type Filtered = string | readonly Filtered[];

export type Filter = (responses: Filtered) => Filtered;

/**
 * A pipeline as one function over the responses to one request, by repeat. The filters are those of
 * lm-evaluation-harness 0.4.13; as there, a filter after `take_first` sees the characters of a text.
 */
export function compilePipeline(pipeline: FilterPipeline): Filter {
  const steps = pipeline.steps.map(compileStep);
  return (responses) => steps.reduce((value, step) => step(value), responses);
}

function compileStep({ function: name, args }: FilterStep): Filter {
  switch (name) {
    case 'take_first':
      return (responses) => itemsOf(responses)[0] ?? '';
    case 'remove_whitespace':
      return (responses) =>
        itemsOf(responses).map((item) => (typeof item === 'string' ? stripText(item) : item));
    case 'majority_vote':
      return (responses) => [mostCommon(itemsOf(responses))];
    case 'regex':
      return regexFilter(args);
    default:
      throw new AssayError('TASK_UNSUPPORTED', `filter "${name}" is not supported`);
  }
}

function regexFilter(args: FilterStep['args']): Filter {
  const text = (key: 'regex_pattern' | 'fallback'): string => {
    const value = args[key];
    return typeof value === 'string' ? value : REGEX_DEFAULTS[key];
  };
  const regex = compilePythonRegex(text('regex_pattern'));
  const select = Number(args['group_select'] ?? REGEX_DEFAULTS.group_select);
  const fallback = text('fallback');
  return (responses) =>
    itemsOf(responses).map((item) => extract(regex, typeof item === 'string' ? item : '', select, fallback));
}

// A selection beyond the matches stops lm-evaluation-harness; here it counts as no match.
function extract(regex: PythonRegex, text: string, select: number, fallback: string): string {
  const match = regex.findAll(text).at(select);
  if (match === undefined) return fallback;
  const group = typeof match === 'string' ? match : match.find((one) => one !== '');
  return group === undefined ? fallback : stripText(group);
}

// The first seen wins a tie, as in Python's Counter.
function mostCommon(items: readonly Filtered[]): Filtered {
  const counts = new Map<string, { readonly item: Filtered; count: number }>();
  for (const item of items) {
    const key = JSON.stringify(item);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { item, count: 1 });
    else known.count += 1;
  }
  let best: { readonly item: Filtered; readonly count: number } | undefined;
  for (const one of counts.values()) if (best === undefined || one.count > best.count) best = one;
  return best?.item ?? '';
}

function itemsOf(value: Filtered): readonly Filtered[] {
  return typeof value === 'string' ? Array.from(value) : value;
}
