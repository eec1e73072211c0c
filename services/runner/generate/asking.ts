import type { Clock } from '@assay/lib/clock';
import type { RunnerMetrics } from '../metrics.ts';
import type { Control, Failure, ModelEndpoint, Reply } from '../ports.ts';
import type { Asker, Lane } from './lane.ts';
import type { Profile } from './profile.ts';
import { decide, NO_TRIES, type RetryPolicy } from './retry.ts';
import type { Answered, Asking } from './solvers/solve.ts';

export interface AskingOptions {
  readonly lane: Lane;
  readonly asker: Asker;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly metrics: RunnerMetrics;
  /** Looks, right before the first request goes out, whether the answer is stored already. */
  readonly stored?: () => Promise<boolean>;
}

/** Asks a lane, again and again as the retry policy says. */
export class LaneAsking implements Asking {
  readonly #options: AskingOptions;
  /** When the first try began, by the monotonic clock; null before it. */
  startedMs: number | null = null;
  /** The answer turned out to be stored already, and nothing was asked. */
  found = false;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  ask<T>(question: (endpoint: ModelEndpoint, control: Control) => Promise<Reply<T>>): Promise<Answered<T>> {
    const { lane, clock, stored } = this.#options;
    return this.#insist((first) =>
      lane.ask(this.#asker(), first, async (endpoint, control) => {
        if (this.startedMs === null && stored !== undefined && (await this.#look(stored))) return NOT_ASKED;
        this.startedMs ??= clock.monotonic();
        return question(endpoint, control);
      }),
    );
  }

  profile(): Promise<Answered<Profile>> {
    return this.#insist(() => this.#options.lane.profile(this.#options.asker));
  }

  tokenIds(profile: Profile): Promise<Answered<boolean>> {
    return this.#insist(() => this.#options.lane.tokenIds(this.#options.asker, profile));
  }

  async #insist<T>(attempt: (first: boolean) => Promise<Reply<T>>): Promise<Answered<T>> {
    const { policy, clock, random, metrics } = this.#options;
    let tries = NO_TRIES;
    for (let first = false; ; first = true) {
      const reply = await attempt(first);
      if (reply.ok) return reply;
      // Its turn was given up at a stop, but part of the sample is asked already: the rest still is.
      if (reply.kind === 'cancelled' && this.#goesOn()) continue;
      const serverGone = await this.#gone(reply);
      const moment = { nowMs: clock.monotonic(), random: random(), serverGone };
      const decision = decide(reply, tries, policy, moment);
      if (decision.next === 'leave') return null;
      if (decision.next === 'fault') return { ok: false, fault: decision.fault };
      metrics.retries.inc({ reason: reply.kind });
      if (!(await this.#pause(decision.waitMs))) return null;
      tries = decision.tries;
    }
  }

  // A sample that was begun is ended, or what was asked of it would be asked again.
  #asker(): Asker {
    const { asker } = this.#options;
    return this.startedMs === null ? asker : { ...asker, signal: asker.cut };
  }

  #goesOn(): boolean {
    const { asker, lane } = this.#options;
    return this.startedMs !== null && asker.signal.aborted && !asker.cut.aborted && !lane.lost;
  }

  // Where it cannot be known, the sample is left for another time.
  async #look(stored: () => Promise<boolean>): Promise<boolean> {
    try {
      this.found = await stored();
      return this.found;
    } catch {
      return true;
    }
  }

  // A connection that broke says nothing about the request until it is known whether the server is still there.
  async #gone(failure: Failure): Promise<boolean> {
    return (failure.kind === 'broken' || failure.kind === 'cut-off') && !(await this.#options.lane.verify());
  }

  async #pause(ms: number): Promise<boolean> {
    const { clock, asker } = this.#options;
    if (asker.signal.aborted) return false;
    return clock.sleep(ms, asker.signal).then(
      () => true,
      () => false,
    );
  }
}

const NOT_ASKED: Failure = { ok: false, kind: 'cancelled', status: 0, detail: 'not asked' };
