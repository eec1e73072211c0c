import type {
  CodeScoring,
  Generation,
  PreparedDoc,
  ScoreOutcome,
  ShardDocs,
  Verdict,
} from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import type { Execution, Limits } from '@assay/lib/python';
import { programOf, type Program } from '@assay/lib/tasks';
import type { Docs, Executor, Outcomes } from '../ports.ts';
import { docOf } from '../score/document.ts';
import { faultOf, scoreEntry, unscored, type ScoreEntry } from '../score/entry.ts';

export interface Execute {
  readonly docs: Docs;
  readonly outcomes: Outcomes;
  readonly executor: Executor;
}

/**
 * Runs one answer to a code task against its tests. Throws UNAVAILABLE (passing) when `signal` came before its turn, and a
 * passing SANDBOX_FAULT when the jail was gone before there was a verdict.
 */
export async function executeGeneration(
  { docs, outcomes, executor }: Execute,
  generation: Generation,
  epoch: number,
  signal?: AbortSignal,
): Promise<ScoreEntry> {
  const shard = await docs.get(generation.docs);
  const doc = docOf(shard, generation);
  const answer = await outcomes.read(generation.outcome);
  const entry = (outcome: ScoreOutcome): ScoreEntry =>
    scoreEntry([generation], generation.repeat, epoch, doc, outcome);
  if (!answer.ok) return entry(unscored(answer.fault));
  if (answer.type !== 'text')
    throw new AssayError('INTERNAL', `document ${doc.doc} has choices, not a program`);
  const { code } = shard.scoring;
  if (code === undefined) throw new AssayError('INTERNAL', `task ${generation.task} is not one of code`);
  return entry(await run(executor, shard, doc, limitsOf(code), answer.response.text, signal));
}

async function run(
  executor: Executor,
  shard: ShardDocs,
  doc: PreparedDoc,
  limits: Limits,
  text: string,
  signal: AbortSignal | undefined,
): Promise<ScoreOutcome> {
  const program = programOf(shard.scoring, doc, text);
  const tests = { source: program.tests, entry: program.entry, helpers: doc.code?.prefix ?? '' };
  try {
    const execution = await executor.run({ source: program.program, tests, limits }, signal);
    return outcomeOf(execution, program);
  } catch (error) {
    const { reason, permanent } = AssayError.from(error);
    if (reason !== 'SANDBOX_FAULT' || !permanent) throw error;
    return unscored(faultOf(error, 3));
  }
}

/** `pass,<filter>` is 1 for tests that passed and 0 for everything else that is the submission's doing. */
export function outcomeOf(execution: Execution, { filtered }: Pick<Program, 'filtered'>): ScoreOutcome {
  const [filter = 'none'] = Object.keys(filtered);
  const metrics = { [`pass,${filter}`]: execution.status === 'AC' ? 1 : 0 };
  return { status: 'scored', metrics, filtered, verdict: verdictOf(execution) };
}

function verdictOf(execution: Execution): Verdict {
  const { status, detail, cpuMs, wallMs, maxRssBytes, attempts, nearLimit } = execution;
  const facts = { detail, cpuMs, wallMs, maxRssBytes, attempts, ...(nearLimit && { nearLimit }) };
  return { status: status === 'OK' ? 'AC' : status, ...facts };
}

function limitsOf({ cpuMs, wallMs, memoryBytes, outputBytes }: CodeScoring): Limits {
  return { cpuMs, wallMs, memoryBytes, outputBytes };
}
