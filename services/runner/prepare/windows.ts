import { bucketOf, type PreparedDoc, type PreparedRequest } from '@assay/lib/domain';

/** A document with the repeats that go into one shard. */
export interface Unit {
  readonly request: PreparedRequest;
  readonly doc: PreparedDoc;
  readonly repeats: readonly number[];
  /** Characters that the model server reads, and may write: longer ones go first. */
  readonly expectedChars: number;
}

/** One shard's documents, all of one bucket. */
export interface Cut {
  readonly bucket: number;
  readonly units: readonly Unit[];
  readonly samples: number;
}

const WINDOW_SAMPLES = 2_048;
const SMALLEST = 32;
const LARGEST = 256;
// Enough shards for a few runners to share a small task.
const WANTED_SHARDS = 32;

/** Samples in each shard of a task, by its size alone: 32, 64, 128 or 256. */
export function shardSize(samples: number): number {
  const fair = 2 ** Math.round(Math.log2(Math.max(1, samples / WANTED_SHARDS)));
  return Math.min(LARGEST, Math.max(SMALLEST, fair));
}

/**
 * Cuts a task into shards. Documents are taken in order, up to 2,048 samples of one bucket at a time; in such a window
 * the longest expected go first, and it is cut evenly. A document's repeats stay together; more than 256 of them are
 * split, since they would not fit any shard.
 */
export async function* cutShards(
  items: AsyncIterable<{ readonly request: PreparedRequest; readonly doc: PreparedDoc }>,
  task: { readonly docs: number; readonly repeats: number },
): AsyncGenerator<Cut> {
  const size = shardSize(task.docs * task.repeats);
  let window: Unit[] = [];
  let samples = 0;
  for await (const item of items) {
    const units = unitsOf(item, task.repeats);
    const bucket = bucketOf(item.doc.doc);
    const full = samples + task.repeats > WINDOW_SAMPLES;
    const before = window[0];
    if (before !== undefined && (full || bucketOf(before.doc.doc) !== bucket)) {
      yield* cutWindow(window, size);
      [window, samples] = [[], 0];
    }
    window.push(...units);
    samples += task.repeats;
  }
  if (window.length > 0) yield* cutWindow(window, size);
}

function unitsOf(item: { request: PreparedRequest; doc: PreparedDoc }, repeats: number): Unit[] {
  const expectedChars = charsOf(item.request);
  const units: Unit[] = [];
  for (let from = 0; from < repeats; from += LARGEST) {
    const length = Math.min(LARGEST, repeats - from);
    units.push({ ...item, expectedChars, repeats: Array.from({ length }, (_, i) => from + i) });
  }
  return units;
}

/** Characters of a request's prompt; for choices of all pairs, as each is asked by itself. */
export function charsOf(request: PreparedRequest): number {
  if (request.type === 'choices') {
    return request.pairs.reduce(
      (sum, pair) => sum + (request.contexts[pair.context]?.length ?? 0) + pair.continuation.length,
      0,
    );
  }
  if (typeof request.prompt === 'string') return request.prompt.length;
  return request.prompt.reduce((sum, message) => sum + message.content.length, 0);
}

// Longest first; ties stay in document order, so that the cut depends on the documents alone.
function* cutWindow(window: readonly Unit[], size: number): Generator<Cut> {
  const sorted = window.toSorted((a, b) => b.expectedChars - a.expectedChars || a.doc.doc - b.doc.doc);
  const total = sorted.reduce((sum, unit) => sum + unit.repeats.length, 0);
  const even = Math.ceil(total / Math.max(1, Math.floor(total / size)));
  let units: Unit[] = [];
  let samples = 0;
  for (const unit of sorted) {
    const more = unit.repeats.length;
    if (samples >= even || (samples > 0 && samples + more > LARGEST)) {
      yield cutOf(units, samples);
      [units, samples] = [[], 0];
    }
    units.push(unit);
    samples += more;
  }
  if (units.length > 0) yield cutOf(units, samples);
}

function cutOf(units: readonly Unit[], samples: number): Cut {
  return { bucket: bucketOf(units[0]?.doc.doc ?? 0), units, samples };
}
