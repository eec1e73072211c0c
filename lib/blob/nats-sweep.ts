import { lastMessage, purgeSubjects, subjectPage } from '../bus/api.ts';
import { openReader } from '../bus/last-reader.ts';
import type { Link } from '../bus/link.ts';
import type { Pulled } from '../bus/pulled.ts';
import { BLOBS } from '../bus/streams.ts';
import { chunkSubject, parseInfo } from './nats-object.ts';

/**
 * Removes chunks that nothing refers to, once they are an hour old: those of a writer that was killed or refused, or
 * came second. Of each object's infos the last one stays.
 */
export async function sweepObjects(link: Link, now: number): Promise<void> {
  // In this order: what is stored meanwhile is referred to by then, or young.
  const stored = await counts(link, `${BLOBS.chunks}.*`);
  const referred = new Set<string>();
  for await (const { message } of infos(link, false)) {
    const info = parseInfo(message.data);
    if (info !== null) referred.add(chunkSubject(info.nuid));
  }
  for (const subject of stored.keys()) {
    if (referred.has(subject)) continue;
    const last = await lastMessage(link, BLOBS.stream, subject);
    if (last !== null && now - last.storedMs > STALE_MS) await purgeSubjects(link, BLOBS.stream, subject);
  }
  for (const [subject, count] of await counts(link, `${BLOBS.infos}.*`)) {
    if (count > 1) await purgeSubjects(link, BLOBS.stream, subject, { keep: 1 });
  }
}

const STALE_MS = 3_600_000;

/** The newest info of every object, and how old it is. Throws BROKER_UNAVAILABLE when the reading breaks off. */
export async function* infos(
  link: Link,
  headersOnly: boolean,
): AsyncIterable<{ readonly message: Pulled; readonly ageMs: number }> {
  const reader = await openReader(link, { stream: BLOBS.stream, filter: `${BLOBS.infos}.*`, headersOnly });
  try {
    for await (const messages of reader.snapshot(new AbortController().signal)) {
      for (const message of messages) {
        yield { message, ageMs: Date.now() - (message.storedMs + reader.skewMs) };
      }
    }
  } finally {
    await reader.close();
  }
}

async function counts(link: Link, filter: string): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (let total = Infinity; all.size < total;) {
    const page = await subjectPage(link, BLOBS.stream, filter, all.size);
    const before = all.size;
    for (const { subject, messages } of page.subjects) all.set(subject, messages);
    total = all.size === before ? 0 : page.total;
  }
  return all;
}
