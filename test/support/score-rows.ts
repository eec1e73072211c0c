import type { ScoreRow } from '../../services/reporter/ports.ts';
import { row, scored } from '../../services/reporter/testing/builders.ts';

/** A third of the rows for each of three tasks. */
export function rowsOf(job: string, count: number): readonly ScoreRow[] {
  return Array.from({ length: count }, (_, i) =>
    row({
      job,
      task: ['a', 'b', 'c'][i % 3] ?? '',
      doc: Math.floor(i / 3),
      outcome: scored({ 'acc,none': Math.floor(i / 3) % 2 }),
    }),
  );
}

export function batches(rows: readonly ScoreRow[], size: number): (readonly ScoreRow[])[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(i * size, (i + 1) * size),
  );
}

export function shuffled(rows: readonly ScoreRow[], seed: number): readonly ScoreRow[] {
  return rows
    .map((entry, i) => [(i * 7_919 * (seed + 1)) % 104_729, entry] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, entry]) => entry);
}
