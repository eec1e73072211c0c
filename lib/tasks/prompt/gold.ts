import type { TaskConfig } from '../config/task-config.ts';
import { Float, type PyDict, type PyValue, isInt, pyStr, typeName } from '../pylang/index.ts';
import type { DocValues } from './doc-values.ts';
import { docError } from './doc-values.ts';
import type { Rendered } from './prompt.ts';

/** What lm-evaluation-harness decides for the whole task from its first document. */
export interface Modes {
  /** `doc_to_text` gives an index: the choices are the contexts, the target is their one continuation. */
  readonly multipleInputs: boolean;
  /** `doc_to_target` gives a list: any of its items is right. */
  readonly multipleTargets: boolean;
}

/** Index that no choice has: such a gold is never right. */
const NO_CHOICE = -100;

export function modesOf(config: TaskConfig, values: DocValues, first: PyDict): Modes {
  const { fields } = config;
  const text = values.text(first, fields.text);
  return {
    multipleInputs: fields.choice !== undefined && (isInt(text) || typeof text === 'boolean'),
    multipleTargets: Array.isArray(values.target(first, fields.target)),
  };
}

/** Accepted answers, or accepted choice indices. */
export function goldOf(config: TaskConfig, modes: Modes, rendered: Rendered): readonly (string | number)[] {
  return config.outputType === 'multiple_choice'
    ? goldChoices(config, modes, rendered)
    : goldTexts(config, modes, rendered);
}

function goldChoices(config: TaskConfig, modes: Modes, rendered: Rendered): readonly number[] {
  const choices = rendered.choices ?? [];
  const gold = modes.multipleInputs ? rendered.text : rendered.target;
  const field = modes.multipleInputs ? config.fields.text : config.fields.target;
  if (Array.isArray(gold) !== (modes.multipleTargets && !modes.multipleInputs)) {
    throw docError(field, 'gives a list for some documents but not for others; the first document decides');
  }
  const indices = (Array.isArray(gold) ? gold : [gold]).map((item) => {
    if (typeof item === 'string' && !Array.isArray(gold))
      return choices.includes(item) ? choices.indexOf(item) : NO_CHOICE;
    if (typeof item === 'boolean') return Number(item);
    if (isInt(item)) return item < choices.length ? Number(item) : NO_CHOICE;
    throw docError(field, `must give the index of a choice, not a ${typeName(item)}`);
  });
  return indices;
}

function goldTexts(config: TaskConfig, modes: Modes, rendered: Rendered): readonly string[] {
  const { target, choices } = rendered;
  const field = config.fields.target;
  if (choices !== undefined) return [choiceText(target, choices, config)];
  if (!modes.multipleTargets) return [pyStr(target)];
  // Python's list() of a text is its characters.
  const items: readonly PyValue[] | undefined = Array.isArray(target)
    ? target
    : typeof target === 'string'
      ? Array.from(target)
      : undefined;
  if (items === undefined) throw docError(field, `must give a list, not a ${typeName(target)}`);
  const texts = items.filter((item) => typeof item === 'string');
  if (texts.length === items.length) return texts;
  const other = items.find((item) => typeof item !== 'string') ?? new Float(0);
  throw docError(field, `every accepted answer must be a text, not a ${typeName(other)}`);
}

function choiceText(target: PyValue, choices: readonly string[], { fields }: TaskConfig): string {
  const index = typeof target === 'boolean' ? Number(target) : target;
  const text = isInt(index) ? choices.at(Number(index)) : undefined;
  if (text !== undefined) return text;
  throw docError(
    fields.target,
    `must give the index of one of ${choices.length} choices, not ${pyStr(target)}`,
  );
}
