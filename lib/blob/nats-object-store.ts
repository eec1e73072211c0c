import type { BlobRef } from '@assay/lib/domain';
import { ensureStream, purgeSubjects } from '../bus/api.ts';
import { connectLink, type ConnectOptions } from '../bus/connect.ts';
import type { Link } from '../bus/link.ts';
import { BLOBS, blobSpec } from '../bus/streams.ts';
import { AssayError, passing } from '../errors.ts';
import type { Blob } from './blob.ts';
import {
  chunkSubject,
  digitsIn,
  headOf,
  infoSubject,
  isWhole,
  readChunks,
  storeChunks,
  tell,
  type ObjectInfo,
} from './nats-object.ts';
import { infos, sweepObjects } from './nats-sweep.ts';
import { blobRefOf, digitsOf, missing, proven } from './ref.ts';

export interface NatsBlobOptions extends ConnectOptions {
  /**
   * Makes the store, with room for so many bytes, and sweeps it every hour of use: one service's alone. The others
   * need no right to remove anything but through `delete`; until the store is made they are told BROKER_UNAVAILABLE.
   */
  readonly owns?: { readonly maxBytes: number };
}

/**
 * Blobs as objects of a NATS object store, over a connection of its own, so that large ones hold nothing else up.
 * Throws BROKER_UNAVAILABLE (passing) while the broker is away for longer than 10 to 20 s.
 */
export async function natsBlob(options: NatsBlobOptions): Promise<Blob> {
  const link = await connectLink(options);
  try {
    const { owns, replicas = 1 } = options;
    if (owns !== undefined) await storing(() => ensureStream(link, blobSpec(owns.maxBytes, replicas)));
  } catch (error) {
    await link.close();
    throw error;
  }
  const sweeper = options.owns === undefined ? null : new Sweeper(link);
  return {
    put: async (bytes) => {
      sweeper?.sometimes();
      const ref = blobRefOf(bytes);
      await storing(() => put(link, digitsOf(ref), bytes));
      return ref;
    },
    get: (ref) => get(link, ref),
    has: async (ref) => ((await headOf(link, digitsOf(ref)))?.info ?? null) !== null,
    delete: async (ref) => remove(link, digitsOf(ref)),
    list: (olderThanMs = 0) => list(link, olderThanMs),
    close: async () => {
      await sweeper?.done;
      await link.close();
    },
  };
}

// Whoever finds that another one has just written the same lets it be. A blob that lost chunks is written again.
// Chunks are referred to by their first info only, for one that was deleted may lose them at any moment.
async function put(link: Link, digits: string, bytes: Uint8Array): Promise<void> {
  for (let conflicts = 0; ; conflicts += 1) {
    const head = await headOf(link, digits);
    const there = await whole(link, head?.info ?? null);
    if (there !== null && conflicts > 0) return;
    const info = there ?? (await storeChunks(link, digits, bytes));
    if (await tell(link, info, head?.sequence ?? 0)) return;
  }
}

async function whole(link: Link, info: ObjectInfo | null): Promise<ObjectInfo | null> {
  return info !== null && (await isWhole(link, info)) ? info : null;
}

async function get(link: Link, ref: BlobRef): Promise<Uint8Array> {
  const digits = digitsOf(ref);
  for (let before: string | null = null; ;) {
    const info = (await headOf(link, digits))?.info ?? null;
    if (info === null) throw missing(ref);
    const bytes = await readChunks(link, info);
    if (bytes !== null) return proven(ref, bytes);
    // It may have been deleted or written again meanwhile.
    if (info.nuid === before) throw new AssayError('INTERNAL', `blob ${ref} lacks a part of its bytes`);
    before = info.nuid;
  }
}

// What is written again at the same time stays: it has another info by then.
async function remove(link: Link, digits: string): Promise<void> {
  const head = await headOf(link, digits);
  if (head === null) return;
  await purgeSubjects(link, BLOBS.stream, infoSubject(digits), { before: head.sequence + 1 });
  const now = await headOf(link, digits);
  if (head.info === null || now?.info?.nuid === head.info.nuid) return;
  await purgeSubjects(link, BLOBS.stream, chunkSubject(head.info.nuid));
}

async function* list(link: Link, olderThanMs: number): AsyncIterable<BlobRef> {
  for await (const { message, ageMs } of infos(link, true)) {
    const digits = digitsIn(message.subject);
    if (digits !== null && ageMs >= olderThanMs) yield `sha256:${digits}`;
  }
}

class Sweeper {
  done: Promise<void> = Promise.resolve();
  readonly #link: Link;
  #sweptAt = -Infinity;

  constructor(link: Link) {
    this.#link = link;
  }

  sometimes(): void {
    if (performance.now() - this.#sweptAt < SWEEP_EVERY_MS) return;
    this.#sweptAt = performance.now();
    this.done = sweepObjects(this.#link, Date.now()).catch((error: unknown) => {
      this.#link.log.warn({ err: error }, 'the blob store was not swept');
    });
  }
}

const SWEEP_EVERY_MS = 3_600_000;

/** To the bus a full stream is a full ledger. */
async function storing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AssayError && error.reason === 'LEDGER_FULL') {
      throw passing('BLOB_STORE_FULL', error.message, error);
    }
    throw error;
  }
}
