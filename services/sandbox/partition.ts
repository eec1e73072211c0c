import type { Clock } from '@assay/lib/clock';
import type { ScoreWork } from '@assay/lib/domain';
import { passing } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { executeGeneration } from './execute/execute.ts';
import type { Docs, Executor, GenerationDelivery, Generations, Jobs, Outcomes, Scores } from './ports.ts';
import { scoreGeneration } from './score/document.ts';
import { scoreItem, type ItemSettled } from './score/item.ts';
import { settleDelivery, type Settle, type Settled } from './score/settle.ts';
import { Siblings } from './score/siblings.ts';

export interface PartitionOptions {
  readonly docs: Docs;
  readonly outcomes: Outcomes;
  readonly jobs: Jobs;
  readonly generations: Generations;
  readonly scores: Scores;
  /** Null where the jail is too weak: code is then left to other sandboxes. */
  readonly executor: Executor | null;
  readonly clock: Clock;
  readonly log: Log;
  /** A crash point between storing a score and acknowledging what it was made of. */
  readonly stored: (kind: 'score' | 'execute') => void;
  readonly settled: (kind: 'score' | 'execute', settled: Settled | ItemSettled, seconds: number) => void;
  /** Aborts when nothing new is begun. */
  readonly stop: AbortSignal;
}

/** What is done with everything that comes from one partition. */
export interface PartitionHandlers {
  score(delivery: GenerationDelivery): Promise<void>;
  execute(delivery: GenerationDelivery): Promise<void>;
  item(item: ScoreWork): Promise<void>;
}

export function partitionHandlers(options: PartitionOptions): PartitionHandlers {
  const { docs, outcomes, generations, executor, clock, stop } = options;
  const scoring = { docs, outcomes, generations, siblings: new Siblings() };
  const settle = (kind: 'score' | 'execute'): Settle => ({ ...options, stored: () => options.stored(kind) });
  const settles = { score: settle('score'), execute: settle('execute') };
  const execution = async (generation: GenerationDelivery['entry'], epoch: number) => {
    if (executor === null) throw passing('UNAVAILABLE', 'this sandbox does not execute code');
    return await executeGeneration({ docs, outcomes, executor }, generation, epoch, stop);
  };
  const timed = async (
    kind: 'score' | 'execute',
    act: () => Promise<Settled | ItemSettled>,
  ): Promise<void> => {
    const begin = clock.monotonic();
    options.settled(kind, await act(), (clock.monotonic() - begin) / 1000);
  };
  return {
    score: async (delivery) =>
      await timed(
        'score',
        async () =>
          await settleDelivery(
            settles.score,
            delivery,
            async (entry) => await scoreGeneration(scoring, entry, 0),
          ),
      ),
    execute: async (delivery) =>
      await timed(
        'execute',
        async () =>
          await settleDelivery(settles.execute, delivery, async (entry) => await execution(entry, 0)),
      ),
    item: async (item) =>
      await timed(
        item.kind,
        async () =>
          await scoreItem(
            {
              generations,
              settle: settles[item.kind],
              score:
                item.kind === 'execute'
                  ? execution
                  : async (entry, epoch) => await scoreGeneration(scoring, entry, epoch),
            },
            item,
          ),
      ),
  };
}
