import type {
  ChoiceResponse,
  ChoicesRequest,
  GenerationOutcome,
  PreparedDoc,
  PreparedRequest,
  ScoreOutcome,
  ShardRequest,
  TaskPlan,
  Verdict,
} from '@assay/lib/domain';
import { dumpJson, Float, floatRepr, pairsAsWritten, promptText, type JsonInput } from '@assay/lib/tasks';
import { ALL_REPEATS, type ScoreRow } from '../ports.ts';
import { documentValue, filtersOf, type Column } from './columns.ts';

/** All that is known of one document of a task. */
export interface SampleFacts {
  readonly plan: TaskPlan;
  readonly columns: readonly Column[];
  readonly request: ShardRequest;
  readonly doc: PreparedDoc;
  /** By repeat; null where there is no answer yet. */
  readonly answers: readonly (GenerationOutcome | null)[];
  /** In repeat order. */
  readonly scores: readonly { readonly row: ScoreRow; readonly outcome: ScoreOutcome }[];
}

/**
 * The document's lines of `samples_*.jsonl`, one for each filter pipeline, as lm-evaluation-harness 0.4.13 writes them,
 * with one key more, `assay`, for what that format has no place for: tokens, verdicts, and why a sample is unscored.
 * A document without a score has no metrics.
 */
export function sampleLines(facts: SampleFacts): readonly string[] {
  const rows = facts.scores.map(({ row }) => row);
  const shared = sharedFields(facts);
  return filtersOf(facts.plan.scoring).map((filter) => {
    const values = facts.columns
      .filter((column) => column.filter === filter)
      .map((column) => ({ metric: column.metric, value: documentValue(column, rows) }))
      .filter(({ value }) => value !== null);
    const fields: [string, string][] = [
      ...shared.before,
      ['filtered_resps', dump(filteredOf(facts, filter))],
      ['filter', dump(filter)],
      ['metrics', dump(values.map(({ metric }) => metric))],
      ...shared.hashes,
      ...values.map(({ metric, value }): [string, string] => [metric, floatRepr(value ?? 0)]),
      ['assay', shared.assay],
    ];
    return `{${fields.map(([key, json]) => `${dump(key)}: ${json}`).join(', ')}}`.toWellFormed();
  });
}

interface SharedFields {
  readonly before: [string, string][];
  readonly hashes: [string, string][];
  readonly assay: string;
}

function sharedFields(facts: SampleFacts): SharedFields {
  const { doc, request } = facts;
  return {
    before: [
      ['doc_id', String(doc.doc)],
      ['doc', doc.json],
      ['target', dump(doc.target)],
      ['arguments', dump(argumentsOf(facts))],
      ['resps', dump(responsesOf(request.request, facts.answers))],
    ],
    hashes: [
      ['doc_hash', dump(doc.hashes.doc)],
      ['prompt_hash', dump(doc.hashes.prompt)],
      ['target_hash', dump(doc.hashes.target)],
    ],
    assay: dump(assayFields(facts)),
  };
}

function dump(value: JsonInput): string {
  return dumpJson(value, { ensureAscii: false });
}

/** `gen_args_i` is a request of the document: its prompt, and a continuation or the generation settings. */
function argumentsOf({ request: { request }, plan, doc }: SampleFacts): JsonInput {
  if (request.type === 'generate') {
    const { prompt } = request;
    // A chat prompt is a one-element tuple that holds the messages as JSON.
    const first = typeof prompt === 'string' ? prompt : [promptText(prompt)];
    return { gen_args_0: { arg_0: first, arg_1: toJson(plan.config['generation_kwargs'] ?? {}) } };
  }
  const pairs = pairsAsWritten(request, continuations(request, plan, doc));
  return Object.fromEntries(
    pairs.map(([context, continuation], i) => [`gen_args_${i}`, { arg_0: context, arg_1: continuation }]),
  );
}

/** What the task writes after each context: the delimiter and a choice, or the target where the choices are contexts. */
function continuations(request: ChoicesRequest, plan: TaskPlan, doc: PreparedDoc): readonly string[] {
  const delimiter = plan.config['target_delimiter'];
  const before = typeof delimiter === 'string' ? delimiter : ' ';
  const several = request.contexts.length > 1;
  return request.pairs.map((_, i) => before + (several ? doc.target : (doc.choices?.[i] ?? '')));
}

/** Requests × repeats; each leaf is text. An answer that is missing or faulted is the empty text. */
function responsesOf(request: PreparedRequest, answers: readonly (GenerationOutcome | null)[]): JsonInput {
  if (request.type === 'generate') return [answers.map((answer) => textOf(answer))];
  return request.pairs.map((_, i) => answers.map((answer) => choiceOf(answer, i)));
}

function textOf(answer: GenerationOutcome | null): string {
  return answer?.ok === true && answer.type === 'text' ? answer.response.text : '';
}

function choiceOf(answer: GenerationOutcome | null, choice: number): JsonInput {
  const response: ChoiceResponse | undefined =
    answer?.ok === true && answer.type === 'choices' ? answer.responses[choice] : undefined;
  return response === undefined ? ['', ''] : [floatRepr(response[0]), response[1] ? 'True' : 'False'];
}

function filteredOf(facts: SampleFacts, filter: string): JsonInput {
  const filtered = facts.scores.map(({ outcome }) =>
    outcome.status === 'scored' ? leaves(outcome.filtered[filter] ?? '') : '',
  );
  const whole = facts.scores[0]?.row.repeat === ALL_REPEATS;
  if (!whole) return [filtered];
  const only = filtered[0] ?? '';
  return facts.request.request.type === 'generate' ? [only] : only;
}

function assayFields({ answers, scores }: SampleFacts): JsonInput {
  const verdicts = scores.flatMap(({ row, outcome }) =>
    outcome.status === 'scored' && outcome.verdict !== undefined
      ? [{ repeat: row.repeat, ...shown(outcome.verdict) }]
      : [],
  );
  const unscored = scores.flatMap(({ row }) =>
    row.fault === undefined
      ? []
      : [{ repeat: repeatOf(row), reason: row.fault.reason, detail: row.fault.detail }],
  );
  return {
    finish_reasons: answers.map((answer) =>
      answer?.ok === true && answer.type === 'text' ? answer.response.finishReason : '',
    ),
    prompt_tokens: sum(scores.map(({ row }) => row.promptTokens)),
    completion_tokens: sum(scores.map(({ row }) => row.completionTokens)),
    truncated_tokens: sum(scores.map(({ row }) => row.truncatedTokens)),
    verdicts,
    unscored,
  };
}

/** With more than one run, how many and what the one near a limit took, in whole milliseconds. */
function shown({ status, detail, attempts = 1, nearLimit }: Verdict) {
  return {
    status,
    detail,
    ...(attempts > 1 && { attempts }),
    ...(nearLimit && {
      near_limit: { cpu_ms: Math.round(nearLimit.cpuMs), wall_ms: Math.round(nearLimit.wallMs) },
    }),
  };
}

function repeatOf(row: ScoreRow): number | 'all' {
  return row.repeat === ALL_REPEATS ? 'all' : row.repeat;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Every leaf as Python's `str()` writes it, as lm-evaluation-harness does with responses. */
function leaves(value: unknown): JsonInput {
  if (Array.isArray(value)) return value.map(leaves);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' && !Number.isInteger(value)) return floatRepr(value);
  return typeof value === 'string' ? value : dump(toJson(value));
}

/** Parsed JSON as what `dumpJson` takes. */
export function toJson(value: unknown): JsonInput {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? value : new Float(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object') return null;
  return new Map(Object.entries(value).map(([key, entry]) => [key, toJson(entry)]));
}
