import type { ChoicesRequest, PreparedDoc, PreparedRequest } from '@assay/lib/domain';
import type { CodeFields, TaskConfig } from '../config/task-config.ts';
import { hashDoc } from '../hashes.ts';
import { type PyDict, dumpJson, pyStr, rstripText } from '../pylang/index.ts';
import type { DocValues } from './doc-values.ts';
import { type Modes, goldOf } from './gold.ts';
import { type PromptWriter, type Rendered, promptText } from './prompt.ts';

export interface PreparedItem {
  readonly request: PreparedRequest;
  readonly doc: PreparedDoc;
}

/** One document as the runner asks it and as the scorer judges it. */
export function prepareItem(
  config: TaskConfig,
  modes: Modes,
  writer: PromptWriter,
  values: DocValues,
  doc: PyDict,
  id: number,
): PreparedItem {
  const rendered = writer.render(doc);
  const gold = goldOf(config, modes, rendered);
  const target = pyStr(rendered.target);
  const { choices } = rendered;
  const { code } = config.assay;
  return {
    request: requestOf(config, modes, rendered),
    doc: {
      doc: id,
      json: dumpJson(doc, { ensureAscii: false }),
      target,
      gold,
      ...(choices === undefined ? {} : { choices }),
      hashes: hashDoc(doc, promptText(rendered.prompts[0] ?? ''), target),
      ...(code === undefined ? {} : { code: codeOf(code, values, doc) }),
    },
  };
}

function requestOf(config: TaskConfig, modes: Modes, rendered: Rendered): PreparedRequest {
  const [prompt = ''] = rendered.prompts;
  if (config.outputType === 'generate_until') return { type: 'generate', prompt, settings: config.settings };
  const delimiter = config.fields.targetDelimiter;
  const contexts = rendered.prompts.map(promptText);
  const pairs = modes.multipleInputs
    ? contexts.map((_, context) => ({ context, continuation: delimiter + pyStr(rendered.target) }))
    : (rendered.choices ?? []).map((choice) => ({ context: 0, continuation: delimiter + choice }));
  return moveSpaces(contexts, pairs);
}

/**
 * Moves the whitespace at the end of a context to the front of its continuations, as lm-evaluation-harness does before
 * it tokenises, so that a word keeps its leading space.
 */
function moveSpaces(contexts: readonly string[], pairs: ChoicesRequest['pairs']): ChoicesRequest {
  const stripped = contexts.map((context) => rstripText(context));
  return {
    type: 'choices',
    contexts: stripped,
    pairs: pairs.map(({ context, continuation }) => ({
      context,
      continuation: (contexts[context] ?? '').slice(stripped[context]?.length) + continuation,
    })),
  };
}

/**
 * Context and continuation of each pair as sample files show them: with the whitespace, which was moved for the
 * tokeniser, back at the end of the context. `continuations` are as the task writes them: target delimiter and choice.
 */
export function pairsAsWritten(
  request: ChoicesRequest,
  continuations: readonly string[],
): readonly (readonly [context: string, continuation: string])[] {
  return request.pairs.map(({ context, continuation }, at) => {
    const length = continuations[at]?.length ?? continuation.length;
    const moved = continuation.slice(0, Math.max(0, continuation.length - length));
    return [(request.contexts[context] ?? '') + moved, continuation.slice(moved.length)];
  });
}

// What the program begins with: set-up, then the code that the model was asked to go on from.
function codeOf(code: CodeFields, values: DocValues, doc: PyDict): NonNullable<PreparedDoc['code']> {
  const setup = values.plain(doc, code.setup);
  const line = setup === '' || setup.endsWith('\n') ? '' : '\n';
  return {
    entry: values.plain(doc, code.entry),
    prefix: setup + line + values.plain(doc, code.prefix),
    tests: values.plain(doc, code.tests),
  };
}
