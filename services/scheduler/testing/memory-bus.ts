import type { Bus, GenerationKey, Ledger, LedgerFilter, Queue, ScoreKey, SubjectParts } from '@assay/lib/bus';
import type { Generation, Score } from '@assay/lib/domain';

/** What lies in the ledgers and queues of a broker that is only pretended: enough to drive a job. */
export interface MemoryBus extends Bus {
  readonly generated: SubjectParts[];
  readonly scored: SubjectParts[];
  /** Every item that was ever published, by its queue. */
  readonly published: { readonly queue: string; readonly item: unknown }[];
  /** Jobs whose items were purged, by the queue. */
  readonly cleared: { readonly queue: string; readonly job: string }[];
  /** Items of the shard queue that wait or are in hand. */
  outstanding: number;
}

const unused = () => Promise.reject(new Error('nothing of this is pretended'));

export function memoryBus(): MemoryBus {
  const bus: MemoryBus = {
    generated: [],
    scored: [],
    published: [],
    cleared: [],
    outstanding: 0,
    ensure: unused,
    ready: unused,
    generations: () => ledger<Generation, GenerationKey>(bus.generated),
    scores: () => ledger<Score, ScoreKey>(bus.scored),
    shards: () => queue(bus, 'shards'),
    work: () => ({
      prepare: queue(bus, 'prepare'),
      check: queue(bus, 'check'),
      score: queue(bus, 'score'),
    }),
    kv: () => {
      throw new Error('no bucket is pretended');
    },
    key: unused,
    answerKeys: () => () => undefined,
    healthy: () => true,
    close: async () => undefined,
  };
  return bus;
}

// A subject is its parts as JSON.
function ledger<T extends K, K>(entries: SubjectParts[]): Ledger<T, K> {
  const parts = (filter: string) => JSON.parse(filter) as LedgerFilter;
  const under = (filter: string) => entries.filter((entry) => matches(entry, parts(filter)));
  return {
    store: unused,
    get: unused,
    subjectOf: (key) => JSON.stringify(key),
    filter: (filter) => JSON.stringify(filter),
    parse: (subject) => JSON.parse(subject) as SubjectParts,
    async *list(filter) {
      yield under(filter).map((entry) => JSON.stringify(entry));
    },
    count: async (filter) => ({ value: async () => under(filter).length, close: async () => undefined }),
    async purge(filter) {
      const gone = under(filter);
      for (const entry of gone) entries.splice(entries.indexOf(entry), 1);
      return gone.length;
    },
    usage: async () => ({ messages: entries.length, bytes: 0, maxBytes: 0 }),
    consume: unused,
  };
}

function matches(entry: SubjectParts, filter: LedgerFilter): boolean {
  return (['job', 'task', 'bucket'] as const).every(
    (name) => filter[name] === undefined || filter[name] === entry[name],
  );
}

function queue<T>(bus: MemoryBus, name: string): Queue<T> {
  return {
    async publish(item) {
      bus.published.push({ queue: name, item });
      return 'stored';
    },
    outstanding: async () => bus.outstanding,
    async purge({ job }) {
      bus.cleared.push({ queue: name, job });
      return 0;
    },
    take: unused,
  };
}
