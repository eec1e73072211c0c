import type { FinalRequest, FinalResult } from '../ports.ts';
import { finalize, type FinalizeOptions } from './finalize.ts';
import { Turns } from './turns.ts';

export interface FinalizerOptions extends FinalizeOptions {
  /** Wraps the work on one job's report, so that others can see it. */
  readonly during: <T>(job: string, act: () => Promise<T>) => Promise<T>;
  /** Told at the end of each: the result, or null when there is none, and how long it took. */
  readonly done: (result: FinalResult | null, seconds: number) => void;
}

/** Writes one report at a time. A caller that gave up and asks again joins the work that goes on. */
export class Finalizer {
  readonly #options: FinalizerOptions;
  readonly #turns = new Turns<FinalResult>();

  constructor(options: FinalizerOptions) {
    this.#options = options;
  }

  finalize(request: FinalRequest): Promise<FinalResult> {
    return this.#turns.run(`${request.job} ${request.epoch}`, () =>
      this.#options.during(request.job, () => this.#measured(request)),
    );
  }

  /** Resolves when no report is being written. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  async #measured(request: FinalRequest): Promise<FinalResult> {
    const { clock, done, log } = this.#options;
    const start = clock.monotonic();
    let result: FinalResult | null = null;
    try {
      result = await finalize({ ...this.#options, log: log.child({ job: request.job }) }, request);
      return result;
    } finally {
      done(result, (clock.monotonic() - start) / 1000);
    }
  }
}
