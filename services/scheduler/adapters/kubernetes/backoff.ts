export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
  readonly random: () => number;
}

/** The pause after `failures` in a row: doubles up to the most, with jitter over its whole length, never under a tenth of the first. */
export function backoffMs(failures: number, { firstMs, mostMs, random }: Backoff): number {
  const span = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(firstMs / 10, random() * span);
}
