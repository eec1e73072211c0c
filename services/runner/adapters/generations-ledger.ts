import type { GenerationKey, Ledger } from '@assay/lib/bus';
import type { Generation } from '@assay/lib/domain';
import type { Generations } from '../ports.ts';

/** A partition's generations ledger, as a shard sees it. */
export function ledgerGenerations(ledger: Ledger<Generation, GenerationKey>): Generations {
  return {
    store: (generation) => ledger.store(generation),
    async stored({ kind, job, task, bucket }) {
      const subjects = new Set<string>();
      for await (const page of ledger.list(ledger.filter({ kind, job, task, bucket })))
        for (const subject of page) subjects.add(subject);
      return subjects;
    },
    nameOf: ({ kind, job, task }, doc, repeat) => ledger.subjectOf({ kind, job, task, doc, repeat }),
    has: async (name) => (await ledger.get(name)) !== null,
  };
}
