import type { Clock } from '@assay/lib/clock';
import { AssayError } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
import { loop } from '@assay/lib/loop';
import { breach, type Row } from './table.ts';

const PACE_MS = 1_000;

export interface WallsOptions {
  readonly fromPod: () => Promise<readonly Row[]>;
  readonly fromSubmission: () => Promise<readonly Row[]>;
  /** Called once, with every try, when all walls hold. */
  readonly publish: (table: readonly Row[]) => Promise<void>;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Untried → the pod's walls hold → a submission's hold too. A wall that does not hold is tried again: one of the pod's may only be late. */
export class Walls {
  readonly #options: WallsOptions;
  #why: string | null = 'the walls are not tried yet';

  constructor(options: WallsOptions) {
    this.#options = options;
  }

  /** Null once every wall holds, else why no work is taken. */
  get why(): string | null {
    return this.#why;
  }

  /** Resolves when every wall holds, or `stop` aborts. */
  async hold(stop: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    const held = new AbortController();
    const step = async (): Promise<number> => {
      const why = await this.#try();
      if (why === null) held.abort();
      else if (why !== this.#why) log.warn({ why }, 'no work is taken: a wall does not hold');
      this.#why = why;
      return PACE_MS;
    };
    await loop(
      { name: 'walls', step, log, ...(clock !== undefined && { clock }) },
      AbortSignal.any([stop, held.signal]),
    );
  }

  async #try(): Promise<string | null> {
    const { fromPod, fromSubmission, publish } = this.#options;
    try {
      const pod = await fromPod();
      const outside = breach(pod);
      if (outside !== null) return outside;
      const submission = await fromSubmission();
      const inside = breach(submission);
      if (inside === null) await publish([...pod, ...submission]);
      return inside;
    } catch (error) {
      return `the walls cannot be tried: ${AssayError.from(error).message}`;
    }
  }
}
