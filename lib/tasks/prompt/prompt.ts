import type { ChatMessage } from '@assay/lib/domain';
import type { DocFields, TaskConfig } from '../config/task-config.ts';
import { type PyDict, type PyValue, dumpJson, isInt, typeName } from '../pylang/index.ts';
import { DocValues, docError } from './doc-values.ts';
import { type Message, chatMessages, maybeDelimit, message, needsDelimiter, plainText } from './message.ts';
import type { Sampler } from './sampler.ts';

/** What is sent: a text, or the messages of a chat. */
export type Prompt = string | readonly ChatMessage[];

/** One document, resolved. */
export interface Rendered {
  /** One; or one for each choice, when the task has multiple inputs. */
  readonly prompts: readonly Prompt[];
  readonly text: PyValue;
  readonly target: PyValue;
  readonly choices: readonly string[] | undefined;
}

/**
 * Assembles prompts as lm-evaluation-harness 0.4.13 does (`fewshot_context`, `build_qa_turn`). Documents must come in
 * order, for the few-shot sampler advances with each.
 */
export class PromptWriter {
  readonly #config: TaskConfig;
  readonly #values: DocValues;
  readonly #sampler: Sampler;
  readonly #shots = new Map<PyDict, readonly Message[]>();
  readonly #multipleInputs: boolean;

  constructor(config: TaskConfig, values: DocValues, sampler: Sampler, multipleInputs: boolean) {
    this.#config = config;
    this.#values = values;
    this.#sampler = sampler;
    this.#multipleInputs = multipleInputs;
  }

  render(doc: PyDict): Rendered {
    const { fields, fewshot, description } = this.#config;
    const shots = this.#sampler.draw(fewshot.excludeSelf ? doc : undefined);
    const system = this.#values.plain(doc, description);
    const before = [
      ...(system === '' ? [] : [message('system', system)]),
      ...shots.flatMap((shot) => this.#shot(shot)),
    ];
    const text = this.#values.text(doc, fields.text);
    const choices = fields.choice && this.#values.choices(doc, fields.choice);
    const target = this.#values.target(doc, fields.target);
    const prefix = this.#values.plain(doc, fields.prefix);
    const prompts = this.#questions(text, choices).map((question) =>
      this.#prompt([...before, ...this.#ask(question, prefix)]),
    );
    return { prompts, text, target, choices };
  }

  #questions(text: PyValue, choices: readonly string[] | undefined): readonly string[] {
    if (this.#multipleInputs) return choices ?? [];
    if (typeof text === 'string') return [text];
    throw docError(this.#config.fields.text, `must give a text, not a ${typeName(text)}`);
  }

  #ask(question: string, prefix: string): Message[] {
    const delimiter = this.#multipleInputs ? '' : this.#config.fields.targetDelimiter;
    const seam = prefix !== '' && needsDelimiter(question, prefix) ? delimiter : '';
    return [message('user', question, seam), ...(prefix === '' ? [] : [message('assistant', prefix)])];
  }

  // A document of the pool always gives the same shot, and comes many times.
  #shot(doc: PyDict): readonly Message[] {
    const known = this.#shots.get(doc);
    if (known !== undefined) return known;
    const turn = this.#turn(doc, this.#config.fewshot.fields);
    this.#shots.set(doc, turn);
    return turn;
  }

  #turn(doc: PyDict, fields: DocFields): readonly Message[] {
    const text = this.#values.text(doc, fields.text);
    const choices = fields.choice && this.#values.choices(doc, fields.choice);
    const target = this.#values.target(doc, fields.target);
    const prefix = this.#values.plain(doc, fields.prefix);
    const question = this.#multipleInputs && isInt(text) ? choices?.at(Number(text)) : text;
    if (typeof question !== 'string') {
      throw docError(fields.text, `a shot must give a text, not a ${typeName(text)}`);
    }
    const hasAnswer = target !== null && target !== '';
    const { targetDelimiter } = fields;
    const seam = prefix === '' ? hasAnswer : needsDelimiter(question, prefix);
    const user = message('user', question, seam ? targetDelimiter : '');
    if (!hasAnswer) return prefix === '' ? [user] : [user, message('assistant', prefix)];
    const answer = answerOf(target, this.#multipleInputs ? undefined : choices, fields);
    return [user, message('assistant', maybeDelimit(prefix, answer, ' '), fields.fewshotDelimiter)];
  }

  #prompt(messages: readonly Message[]): Prompt {
    const { api, multiturn } = this.#config.assay;
    return api === 'chat' ? chatMessages(messages, multiturn) : plainText(messages);
  }
}

/** The text that is hashed and shown for a prompt: of a chat, its messages as JSON. */
export function promptText(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt;
  return dumpJson(
    prompt.map(({ role, content }) => ({ role, content })),
    { ensureAscii: false },
  );
}

function answerOf(target: PyValue, choices: readonly string[] | undefined, fields: DocFields): string {
  const index = typeof target === 'boolean' ? Number(target) : target;
  const answer =
    choices !== undefined && isInt(index)
      ? choices.at(Number(index))
      : Array.isArray(target)
        ? target[0]
        : target;
  if (typeof answer === 'string') return answer;
  throw docError(
    fields.target,
    `the answer of a shot must be a text or the index of a choice, not a ${typeName(answer ?? null)}`,
  );
}
