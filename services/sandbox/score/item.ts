import type { Generation, ScoreWork } from '@assay/lib/domain';
import type { Generations } from '../ports.ts';
import type { ScoreEntry } from './entry.ts';
import { storeScore, type Settle, type Settled } from './settle.ts';

export interface ItemScorer {
  readonly generations: Generations;
  readonly settle: Settle;
  readonly score: (generation: Generation, epoch: number) => Promise<ScoreEntry | null>;
}

/** `missing`: the ledger has no such generation, which the audit will see. */
export type ItemSettled = Exclude<Settled, 'retried'> | 'missing';

/** Scores one stored generation that has no score, or none of this epoch. */
export async function scoreItem(scorer: ItemScorer, item: ScoreWork): Promise<ItemSettled> {
  const generation = await scorer.generations.get(item);
  if (generation === null) return 'missing';
  return await storeScore(scorer.settle, item, async () => await scorer.score(generation, item.epoch));
}
