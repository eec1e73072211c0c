import type { Generation, ScoreOutcome, ShardDocs } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';
import { scoreDocument } from '@assay/lib/tasks';
import type { Docs, Generations, Outcomes } from '../ports.ts';
import { faultOf, scoreEntry, unscored, type ScoreEntry } from './entry.ts';
import { Siblings } from './siblings.ts';

export interface Scoring {
  readonly docs: Docs;
  readonly generations: Generations;
  readonly outcomes: Outcomes;
  readonly siblings: Siblings;
}

/**
 * Scores what a generation completes: its sample, or its document when all repeats are there; null when some are not
 * (whoever sees the last of them scores it). One faulted repeat leaves its document unscored.
 */
export async function scoreGeneration(
  { docs, generations, outcomes, siblings }: Scoring,
  generation: Generation,
  epoch: number,
): Promise<ScoreEntry | null> {
  const shard = await docs.get(generation.docs);
  const doc = docOf(shard, generation);
  const whole = shard.scoring.per === 'document';
  const all = whole ? await siblings.complete(generation, shard.scoring.repeats, generations) : [generation];
  const [first, ...rest] = all ?? [];
  if (first === undefined) return null;
  const answers = await Promise.all(
    [first, ...rest].map(async ({ outcome }) => await outcomes.read(outcome)),
  );
  const fault = answers.find((answer) => !answer.ok);
  const outcome =
    fault?.ok === false
      ? unscored(fault.fault)
      : scored(
          shard,
          doc,
          answers.flatMap((answer) => responses(answer)),
        );
  return scoreEntry([first, ...rest], whole ? 'all' : generation.repeat, epoch, doc, outcome);
}

/** The document of a generation. Throws INTERNAL when the shard has another one in its place. */
export function docOf(shard: ShardDocs, generation: Generation): ShardDocs['docs'][number] {
  const doc = shard.docs[generation.index];
  if (doc?.doc !== generation.doc) {
    throw new AssayError(
      'INTERNAL',
      `document ${generation.doc} is not at position ${generation.index} of its shard`,
    );
  }
  return doc;
}

type Answer = Awaited<ReturnType<Outcomes['read']>>;

function responses(answer: Answer): Parameters<typeof scoreDocument>[2] {
  if (!answer.ok) return [];
  return answer.type === 'text' ? [answer.response] : [answer.responses];
}

function scored(
  shard: ShardDocs,
  doc: ShardDocs['docs'][number],
  answers: Parameters<typeof scoreDocument>[2],
): ScoreOutcome {
  try {
    const { metrics, filtered } = scoreDocument(shard.scoring, doc, answers);
    return { status: 'scored', metrics, filtered };
  } catch (error) {
    return unscored(faultOf(error, 1));
  }
}
