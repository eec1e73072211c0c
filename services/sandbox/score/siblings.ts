import type { Generation } from '@assay/lib/domain';
import type { Generations } from '../ports.ts';

/**
 * Finds the other repeats of a document. Those that passed through here lately are remembered, so that a document
 * whose repeats all come this way is completed without asking the ledger once.
 */
export class Siblings {
  readonly #limit: number;
  readonly #seen = new Map<string, Map<number, Generation>>(); // oldest document first

  /** `limit`: documents that are remembered. */
  constructor(limit = 1_000) {
    this.#limit = limit;
  }

  /** All repeats in order, or null while the ledger lacks one. */
  async complete(generation: Generation, repeats: number, ledger: Generations): Promise<Generation[] | null> {
    if (repeats === 1) return [generation];
    const known = this.#remember(generation);
    const all: Generation[] = [];
    // From the end: repeats are stored about in order, so the last is the likeliest to be missing.
    for (let repeat = repeats - 1; repeat >= 0; repeat -= 1) {
      const own = repeat === generation.repeat ? generation : known.get(repeat);
      const sibling = own ?? (await ledger.get({ ...generation, repeat }));
      if (sibling === null) return null;
      if (isSmall(sibling)) known.set(repeat, sibling);
      all.unshift(sibling);
    }
    this.#seen.delete(keyOf(generation));
    return all;
  }

  #remember(generation: Generation): Map<number, Generation> {
    const key = keyOf(generation);
    const known = this.#seen.get(key) ?? new Map<number, Generation>();
    if (isSmall(generation)) known.set(generation.repeat, generation);
    this.#seen.delete(key);
    this.#seen.set(key, known);
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= this.#limit) break;
      this.#seen.delete(oldest);
    }
    return known;
  }
}

// Large answers are read again rather than kept.
function isSmall({ outcome }: Generation): boolean {
  return !('response' in outcome) || outcome.response.text.length <= 16_384;
}

function keyOf({ job, task, doc }: Generation): string {
  return `${job}\n${task}\n${doc}`;
}
