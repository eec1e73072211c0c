import { BUCKET_DOCS, type TaskPlan } from '@assay/lib/domain';

/** One bucket's documents: `first` … `end` − 1. */
export interface BucketRange {
  readonly bucket: number;
  readonly first: number;
  readonly end: number;
}

export function* buckets(docs: number): Generator<BucketRange> {
  for (let bucket = 0; bucket * BUCKET_DOCS < docs; bucket++) {
    yield { bucket, first: bucket * BUCKET_DOCS, end: Math.min(docs, (bucket + 1) * BUCKET_DOCS) };
  }
}

export interface Missing {
  readonly doc: number;
  readonly repeat: number | 'all';
}

export interface Found {
  readonly doc: number;
  readonly repeat: number | 'all';
}

/** Compares what a ledger lists for one bucket, page by page, with what the plan says must be there. */
export async function compare(
  range: BucketRange,
  plan: Pick<TaskPlan, 'repeats'>,
  per: 'sample' | 'document',
  found: AsyncIterable<Iterable<Found>> | Iterable<Iterable<Found>>,
): Promise<{ readonly missing: readonly Missing[]; readonly unexpected: number }> {
  const width = per === 'sample' ? plan.repeats : 1;
  const seen = new Uint8Array((range.end - range.first) * width);
  let unexpected = 0;
  for await (const page of found) {
    for (const { doc, repeat } of page) {
      const place = placeOf(range, width, per, doc, repeat);
      if (place === null || seen[place] === 1) unexpected += 1;
      else seen[place] = 1;
    }
  }
  const missing: Missing[] = [];
  for (let place = 0; place < seen.length; place++) {
    if (seen[place] === 1) continue;
    const doc = range.first + Math.floor(place / width);
    missing.push({ doc, repeat: per === 'sample' ? place % width : 'all' });
  }
  return { missing, unexpected };
}

function placeOf(
  range: BucketRange,
  width: number,
  per: 'sample' | 'document',
  doc: number,
  repeat: number | 'all',
): number | null {
  if (doc < range.first || doc >= range.end) return null;
  if (per === 'document') return repeat === 'all' ? doc - range.first : null;
  if (repeat === 'all' || repeat < 0 || repeat >= width) return null;
  return (doc - range.first) * width + repeat;
}
