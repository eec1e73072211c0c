import type { DocHashes, Fault, Generation, PreparedDoc, Score, ScoreOutcome } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';

const NO_HASHES: DocHashes = { doc: '', prompt: '', target: '' };

/** What becomes a score once its outcome is packed. */
export type ScoreEntry = Omit<Score, 'outcome'> & { readonly outcome: ScoreOutcome };

/**
 * The score of one sample (`repeat` is its own) or of a document (`all`: token counts are sums over its generations).
 * `doc` is null when the document cannot be read.
 */
export function scoreEntry(
  generations: readonly [Generation, ...Generation[]],
  repeat: Score['repeat'],
  epoch: number,
  doc: PreparedDoc | null,
  outcome: ScoreOutcome,
): ScoreEntry {
  const [first] = generations;
  const sum = (value: (generation: Generation) => number): number =>
    generations.reduce((total, generation) => total + value(generation), 0);
  return {
    v: 1,
    job: first.job,
    task: first.task,
    epoch,
    doc: first.doc,
    repeat,
    requests: first.requests,
    docs: first.docs,
    index: first.index,
    hashes: doc?.hashes ?? NO_HASHES,
    outcome,
    promptTokens: sum(({ usage }) => usage.promptTokens),
    completionTokens: sum(({ usage }) => usage.completionTokens),
    truncatedTokens: sum(({ truncatedTokens = 0 }) => truncatedTokens),
  };
}

export function unscored(fault: Fault): ScoreOutcome {
  return { status: 'unscored', fault };
}

/** A permanent error of ours as the reason why there is no score. */
export function faultOf(thrown: unknown, attempts: number): Fault {
  const { reason, message } = AssayError.from(thrown);
  return { reason, detail: message.slice(0, 500), attempts };
}
