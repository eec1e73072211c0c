import type { Bus } from '@assay/lib/bus';
import type { Generations, Scores } from '../ports.ts';

/** A partition's generations, read by identity. */
export function ledgerGenerations(bus: Bus, partition: string): Generations {
  const ledger = bus.generations(partition);
  return { get: async (sample) => await ledger.get(ledger.subjectOf(sample)) };
}

/** A partition's scores; `took` hears how many seconds each store took. */
export function ledgerScores(bus: Bus, partition: string, took: (seconds: number) => void): Scores {
  const ledger = bus.scores(partition);
  return {
    store: async (score) => {
      const begin = performance.now();
      const stored = await ledger.store(score);
      took((performance.now() - begin) / 1000);
      return stored;
    },
  };
}
