import { compileTemplate } from '../jinja/index.ts';
import { type Problems, problemsOf } from '../problem.ts';
import {
  type YamlList,
  type YamlMap,
  type YamlScalar,
  placeText,
  placeWithin,
  toPython,
} from '../yaml/node.ts';
import type { Fields } from './fields.ts';
import type { DocFields, Field } from './task-config.ts';

/** Reads a column name or template; with `constants`, also the other kinds of value that the key may hold. */
export function readField(
  fields: Fields,
  key: string,
  constants: readonly ('integer' | 'list' | 'map')[] = [],
): Field | undefined {
  const node = fields.node(key);
  if (node === undefined) return undefined;
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    return template(fields.problems, key, node.value, node);
  }
  if (key === 'doc_to_choice' && (node.kind === 'list' || node.kind === 'map'))
    checkChoices(fields.problems, key, node);
  if (node.kind === 'list' && constants.includes('list')) {
    return { kind: 'constant', key, value: node.items.map(toPython), place: node.place };
  }
  if (node.kind === 'map' && constants.includes('map')) {
    const value = Array.from(node.entries.values(), (entry) => toPython(entry.node));
    return { kind: 'constant', key, value, place: node.place };
  }
  const isInteger = node.kind === 'scalar' && ['number', 'bigint', 'boolean'].includes(typeof node.value);
  if (isInteger && constants.includes('integer')) {
    return { kind: 'constant', key, value: toPython(node), place: node.place };
  }
  fields.problems.invalid(
    node.place,
    `${key} must be ${['a column name or a template', ...constants].join(', ')}`,
  );
  return undefined;
}

/** Reads the fields of a document. What is absent comes from `inherited`; text and target must come from somewhere. */
export function readDocFields(fields: Fields, inherited?: DocFields): DocFields | undefined {
  const text = readField(fields, 'doc_to_text', ['integer']) ?? inherited?.text;
  const target = readField(fields, 'doc_to_target', ['integer', 'list']) ?? inherited?.target;
  const choice = readField(fields, 'doc_to_choice', ['list', 'map']) ?? inherited?.choice;
  // An explicit null takes the prefix away from the shots.
  const prefix =
    readField(fields, 'gen_prefix') ?? (fields.has('gen_prefix') ? undefined : inherited?.prefix);
  const targetDelimiter = fields.text('target_delimiter') ?? inherited?.targetDelimiter ?? ' ';
  const fewshotDelimiter = fields.text('fewshot_delimiter') ?? inherited?.fewshotDelimiter ?? '\n\n';
  if (text === undefined || target === undefined) return undefined;
  return {
    text,
    target,
    ...(choice === undefined ? {} : { choice }),
    ...(prefix === undefined ? {} : { prefix }),
    targetDelimiter,
    fewshotDelimiter,
  };
}

function template(problems: Problems, key: string, source: string, node: YamlScalar): Field | undefined {
  const { place } = node;
  try {
    const compiled = compileTemplate(source, { file: place.file, line: node.text.line });
    return { kind: 'template', key, source, template: compiled, place };
  } catch (thrown) {
    const [problem] = problemsOf(thrown, placeText(place));
    const [, line, column, message = problem?.message ?? ''] = LOCATED.exec(problem?.message ?? '') ?? [];
    const at = line === undefined ? place : placeWithin(node, Number(line), Number(column));
    problems.add(problem?.reason ?? 'TASK_INVALID', placeText(at), `${key}: ${message}`);
    return undefined;
  }
}

const LOCATED = /^.*?:(\d+):(\d+): ([\s\S]*)$/;

// The length of a constant choice is its score's divisor, so each must be a text.
function checkChoices(problems: Problems, key: string, node: YamlList | YamlMap): void {
  const items = node.kind === 'list' ? node.items : Array.from(node.entries.values(), (entry) => entry.node);
  if (items.length === 0) problems.invalid(node.place, `${key} must not be empty`);
  for (const item of items) {
    if (item.kind === 'scalar' && typeof item.value === 'string') {
      if (item.value === '') problems.invalid(item.place, `${key}: a choice must not be empty`);
      continue;
    }
    problems.invalid(item.place, `${key}: every choice must be a text; put yes, no and numbers in quotes`);
  }
}
