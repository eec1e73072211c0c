/** One try to pass a wall. */
export interface Row {
  readonly from: 'pod' | 'submission';
  /** An address, a file, or what else was to be reached. */
  readonly target: string;
  /** By which way. */
  readonly tried: string;
  /** How it failed, in the system's words; `reached` when it did not. */
  readonly outcome: string;
}

export const REACHED = 'reached';

/** Null when every wall held, else what was reached, by whom and how. */
export function breach(rows: readonly Row[]): string | null {
  const reached = rows.filter(({ outcome }) => outcome === REACHED);
  if (reached.length === 0) return null;
  const ways = reached.map(({ target, tried }) => `${target} (${tried})`);
  const who = reached[0]?.from === 'pod' ? 'this pod' : 'a submission';
  return `${who} reached what it must not: ${ways.join(', ')}`;
}
