/** One look at a job's counts. */
export interface Look {
  readonly atMs: number;
  readonly done: number;
}

const WINDOW_MS = 30_000;

/** Keeps the looks of the last 30 seconds, the newest last. */
export function remember(looks: readonly Look[], look: Look): Look[] {
  return [...looks.filter((old) => look.atMs - old.atMs <= WINDOW_MS), look];
}

/** Seconds until `total` at the rate of the remembered looks; 0 when nothing moved yet. */
export function etaSeconds(looks: readonly Look[], total: number): number {
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined || last.done >= total) return 0;
  const rate = (last.done - first.done) / ((last.atMs - first.atMs) / 1_000);
  return Number.isFinite(rate) && rate > 0 ? (total - last.done) / rate : 0;
}
