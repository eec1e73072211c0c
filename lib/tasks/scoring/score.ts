import type { ChoiceResponse, PreparedDoc, Scoring, TextResponse } from '@assay/lib/domain';
import { AssayError } from '../../errors.ts';
import { floatRepr } from '../pylang/index.ts';
import { scoreChoices } from './choices.ts';
import { type ExactMatch, compileExactMatch } from './exact-match.ts';
import { type Filter, type Filtered, compilePipeline } from './filters.ts';

/** The responses to one document, by repeat. */
export type Responses = readonly (TextResponse | readonly ChoiceResponse[])[];

export interface DocScore {
  /** Keys are `metric,filter`. */
  readonly metrics: Record<string, number>;
  /** What each pipeline made of the responses, as sample files show it: a text, a list, or [logprob, greedy] pairs. */
  readonly filtered: Record<string, unknown>;
}

interface Compiled {
  readonly pipelines: readonly { readonly name: string; readonly filter: Filter }[];
  readonly exactMatch: ExactMatch;
}

const compiled = new WeakMap<Scoring, Compiled>();

/** Scores one document that is scored whole. Throws INTERNAL when the responses are not those of such a task. */
export function scoreDocument(scoring: Scoring, doc: PreparedDoc, responses: Responses): DocScore {
  if (scoring.code !== undefined) throw new AssayError('INTERNAL', 'code tasks are scored by execution');
  const [first] = responses;
  if (first === undefined) throw new AssayError('INTERNAL', `document ${doc.doc} has no response`);
  return isChoices(first) ? scoreFirstChoices(scoring, doc, first) : scoreTexts(scoring, doc, responses);
}

/** The pipelines of a scoring, compiled once for as long as the same object is used. */
export function compileScoring(scoring: Scoring): Compiled {
  const known = compiled.get(scoring);
  if (known !== undefined) return known;
  const exactMatch = scoring.metrics.find(({ metric }) => metric === 'exact_match');
  const fresh = {
    pipelines: scoring.pipelines.map((pipeline) => ({
      name: pipeline.name,
      filter: compilePipeline(pipeline),
    })),
    exactMatch: compileExactMatch(exactMatch?.args ?? {}),
  };
  compiled.set(scoring, fresh);
  return fresh;
}

function scoreTexts(scoring: Scoring, doc: PreparedDoc, responses: Responses): DocScore {
  const { pipelines, exactMatch } = compileScoring(scoring);
  const texts = responses.map((response) => {
    if (isChoices(response)) throw new AssayError('INTERNAL', `document ${doc.doc} mixes kinds of responses`);
    return response.text;
  });
  const gold = doc.gold.map(String);
  const metrics: Record<string, number> = {};
  const filtered: Record<string, Filtered> = {};
  for (const { name, filter } of pipelines) {
    const value = filter(texts);
    filtered[name] = value;
    for (const { metric } of scoring.metrics) metrics[`${metric},${name}`] = exactMatch(value, gold);
  }
  return { metrics, filtered };
}

// Repeats of a log-probability are the same, and every pipeline of such a task takes the first.
function scoreFirstChoices(
  scoring: Scoring,
  doc: PreparedDoc,
  responses: readonly ChoiceResponse[],
): DocScore {
  if (responses.length !== doc.choices?.length) {
    throw new AssayError(
      'INTERNAL',
      `document ${doc.doc} has ${responses.length} responses for ${doc.choices?.length ?? 0} choices`,
    );
  }
  const scores = scoreChoices(doc, responses);
  const shown = responses.map(([logprob, greedy]) => [floatRepr(logprob), greedy ? 'True' : 'False']);
  const metrics: Record<string, number> = {};
  const filtered: Record<string, unknown> = {};
  for (const { name } of scoring.pipelines) {
    filtered[name] = shown;
    for (const { metric } of scoring.metrics) metrics[`${metric},${name}`] = scores[metric] ?? 0;
  }
  return { metrics, filtered };
}

function isChoices(
  response: TextResponse | readonly ChoiceResponse[],
): response is readonly ChoiceResponse[] {
  return Array.isArray(response);
}
