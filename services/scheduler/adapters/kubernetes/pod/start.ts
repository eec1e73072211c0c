import type { StartPhase } from '@assay/lib/domain';
import type { AssayError } from '@assay/lib/errors';
import { phasesOf } from './phases.ts';
import type { Seen } from './seen.ts';
import { troubleOf } from './trouble.ts';

export interface Told {
  readonly phase: 'starting' | 'ready' | 'down' | 'failed';
  readonly fault: AssayError | null;
  readonly detail: string;
  readonly start: readonly StartPhase[];
  /** The pod is of no more use where it is: it is deleted, and another node is chosen. */
  readonly move: boolean;
}

/** Of a start: where it stands, what is in its way, and whether that is the end. */
export function tell(seen: Seen): Told {
  const start = phasesOf(seen);
  const found = troubleOf(seen);
  const current = start.find(({ endedAt }) => endedAt === null);
  const ready = seen.warmAt !== null;
  if (found !== null) {
    const { fault, move = false } = found;
    const phase = fault.permanent ? 'failed' : ready ? 'down' : 'starting';
    const told = start.map((one) => (one === current ? { ...one, detail: fault.message } : one));
    return { phase, fault, detail: fault.message, start: told, move };
  }
  if (ready) return { phase: 'ready', fault: null, detail: 'ready', start, move: false };
  const detail = current === undefined ? 'starts' : `${current.phase}: ${current.detail}`;
  return { phase: 'starting', fault: seen.health?.fault ?? null, detail, start, move: false };
}
