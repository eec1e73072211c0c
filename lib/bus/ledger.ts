import { lastMessage, purgeSubjects, streamInfo, subjectPage } from './api.ts';
import type { Consume, Counter, Ledger, LedgerUsage } from './bus.ts';
import { AssayError } from '../errors.ts';
import { consume } from './consume.ts';
import { openCounter } from './counter.ts';
import { decodeEntry, encodeEntry } from './entry.ts';
import type { LedgerSubjects } from './ledger-subject.ts';
import type { Link } from './link.ts';
import { publish } from './publish.ts';

/** The ledger that one stream is. */
export function ledgerOf<T extends K & { readonly v: 1 }, K>(
  link: Link,
  stream: string,
  subjects: LedgerSubjects<K>,
): Ledger<T, K> {
  return {
    subjectOf: (key) => subjects.of(key),
    filter: (parts) => subjects.filter(parts),
    parse: (subject) => subjects.parse(subject),
    store: async (entry) => {
      const sequence = await publish(link, subjects.of(entry), encodeEntry(entry), {
        expected: 0,
        pace: STORE,
      });
      return sequence === null ? 'exists' : 'stored';
    },
    get: (subject) => read<T>(link, stream, subject),
    list: (filter) => list(link, stream, filter),
    count: (filter): Promise<Counter> => openCounter(link, stream, filter),
    purge: (filter) => purgeSubjects(link, stream, filter),
    usage: () => usage(link, stream),
    consume: (options: Consume<T>, stop, kill) => {
      const filter = options.filter ?? subjects.filter({});
      return consume(link, { stream, filter, decode: (bytes) => decodeEntry<T>(bytes) }, options, stop, kill);
    },
  };
}

const STORE = { timeoutMs: 5_000, budgetMs: 20_000 };

async function read<T extends { readonly v: 1 }>(
  link: Link,
  stream: string,
  subject: string,
): Promise<T | null> {
  const message = await lastMessage(link, stream, subject);
  if (message === null) return null;
  const entry = decodeEntry<T>(message.data);
  if (entry === null) throw new AssayError('INTERNAL', `the entry of ${subject} cannot be read`);
  return entry;
}

async function* list(link: Link, stream: string, filter: string): AsyncIterable<Iterable<string>> {
  for (let offset = 0; ;) {
    const { subjects, total } = await subjectPage(link, stream, filter, offset);
    const page = Array.from(subjects, ({ subject }) => subject);
    if (page.length > 0) yield page;
    offset += page.length;
    if (page.length === 0 || offset >= total) return;
  }
}

async function usage(link: Link, stream: string): Promise<LedgerUsage> {
  const { state, config } = await streamInfo(link, stream);
  return { messages: state.messages, bytes: state.bytes, maxBytes: config.max_bytes };
}
