import type { PreparedDoc, Scoring } from '@assay/lib/domain';
import { AssayError } from '../../errors.ts';
import { compileScoring } from './score.ts';

export interface Program {
  /** Set-up, prefix, and the model's code after the filters. */
  readonly program: string;
  /** What is run after the program. */
  readonly tests: string;
  /** Name of the function that the tests call. */
  readonly entry: string;
  /** By pipeline. */
  readonly filtered: Record<string, unknown>;
}

/** The program that one answer to a code task is. Throws INTERNAL for a document of another kind of task. */
export function programOf(scoring: Scoring, doc: PreparedDoc, text: string): Program {
  const [pipeline] = compileScoring(scoring).pipelines;
  if (doc.code === undefined || pipeline === undefined) {
    throw new AssayError('INTERNAL', `document ${doc.doc} is not one of a code task`);
  }
  const value = pipeline.filter([text]);
  const code = typeof value === 'string' ? value : (value[0] ?? '');
  const own = typeof code === 'string' ? code : '';
  const { prefix, tests, entry } = doc.code;
  return { program: prefix + own, tests, entry, filtered: { [pipeline.name]: own } };
}
