import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError, isPermanent, passing } from '@assay/lib/errors';
import type { Channels } from './channel.ts';
import { jobFrame, type Done, type Hello } from './frames.ts';
import { Slots } from './slots.ts';
import type { Execution, Submission } from './submission.ts';
import {
  executionOf,
  isNearLimit,
  isSuspicious,
  judge,
  judgeCrash,
  withMargin,
  type Verdict,
} from './verdict.ts';
import { Zygote } from './zygote.ts';

const ATTEMPTS = 3;
const RETRY_MS = 100;
// Children of one zygote share its memory layout: it is replaced before that can be learnt.
const RUNS_PER_ZYGOTE = 5_000;

export interface PoolOptions {
  /** Where the zygotes are started. */
  readonly channels: Channels;
  /** Executions side by side; one for each core, so that wall time is near CPU time. */
  readonly slots: number;
}

/** How one run differs from the first. */
interface Trying {
  /** After another run was near a limit: without a margin. */
  readonly exact: boolean;
  /** Nothing else runs beside it. */
  readonly alone: boolean;
  /** It ran already. */
  readonly begun: boolean;
}

/** `done` is null when the zygote died. */
interface Tried {
  readonly done: Done | null;
  readonly verdict: Verdict;
}

interface Slot {
  zygote: Zygote | null;
}

/** Zygotes of one interpreter, replaced when they die; submissions wait for a free one in order. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #all: readonly Slot[];
  readonly #slots: Slots<Slot>;
  readonly #closing = new AbortController();
  #job = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#all = Array.from({ length: options.slots }, () => ({ zygote: null }));
    this.#slots = new Slots(this.#all);
  }

  get running(): number {
    return this.#slots.taken;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  /** Starts every zygote now instead of at its first use; gives what one of them said about itself. */
  async warm(signal?: AbortSignal): Promise<Hello> {
    const [first] = await Promise.all(this.#all.map(async (slot) => await this.#ready(slot, signal)));
    if (first === undefined) throw new AssayError('SANDBOX_FAULT', 'the jail has no slots');
    return first.hello;
  }

  /**
   * Runs a submission to its verdict. A fault of ours is tried again, alone when a zygote died of it; a time-out that may
   * be the machine's once more alone, with both on record. Throws SANDBOX_FAULT when three runs gave no verdict, a passing
   * one when there was no zygote to be had after the first; UNAVAILABLE when there was none before, or `signal` aborted.
   */
  async run(submission: Submission, signal?: AbortSignal): Promise<Execution> {
    let near: Done | null = null;
    let died = false;
    let crashes = 0;
    let fault = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { done, verdict } = await this.#try(
        submission,
        { exact: near !== null, alone: near !== null || died, begun: attempt > 1 },
        attempt === 1 ? signal : undefined,
      );
      died ||= done === null;
      if (verdict.status === 'IE' || done === null) {
        fault = verdict.detail;
        const crash = done === null ? null : judgeCrash(done);
        if (crash !== null) crashes += 1;
        if (done !== null && crashes === ATTEMPTS) {
          return executionOf(
            done,
            { status: 'PE', detail: `the judge ended by ${crash} each time` },
            attempt,
          );
        }
        await sleep(RETRY_MS * attempt);
      } else if (near !== null || !isNearLimit(done, submission)) {
        return executionOf(done, verdict, attempt, near);
      } else {
        near = done;
      }
    }
    throw new AssayError('SANDBOX_FAULT', fault);
  }

  async #try(submission: Submission, { exact, alone, begun }: Trying, signal?: AbortSignal): Promise<Tried> {
    const nonce = randomBytes(16).toString('hex');
    try {
      const done = await this.once(exact ? submission : withMargin(submission), nonce, alone, signal);
      return { done, verdict: judge(done, submission, nonce) };
    } catch (error) {
      const fault = AssayError.from(error);
      // It may itself be why nobody is there: whoever sent it counts how often.
      if (begun && fault.reason === 'UNAVAILABLE' && !this.#closing.signal.aborted)
        throw passing('SANDBOX_FAULT', `after a run that gave no verdict: ${fault.message}`);
      if (fault.reason !== 'SANDBOX_FAULT' || isPermanent(fault)) throw fault;
      return { done: null, verdict: { status: 'IE', detail: fault.message } };
    }
  }

  /** One run, whatever comes of it. */
  async once(submission: Submission, nonce: string, alone = false, signal?: AbortSignal): Promise<Done> {
    const slot = await this.#slots.acquire(alone, signal);
    try {
      const zygote = await this.#ready(slot, signal);
      this.#job = (this.#job + 1) >>> 0;
      const job = this.#job;
      const done = await zygote.run(jobFrame(job, submission, nonce), submission.limits.wallMs);
      if (done.id !== job) throw passing('SANDBOX_FAULT', 'the jail answered for another job');
      if (isSuspicious(done) || zygote.runs >= RUNS_PER_ZYGOTE) this.#retire(slot);
      return done;
    } catch (error) {
      this.#retire(slot);
      throw error;
    } finally {
      this.#slots.release(slot);
    }
  }

  /** Ends every zygote and child at once; what is in hand rejects with UNAVAILABLE (passing). */
  async close(): Promise<void> {
    this.#closing.abort();
    const zygotes = this.#all.flatMap((slot) => slot.zygote ?? []);
    for (const zygote of zygotes) zygote.kill();
    await Promise.all(zygotes.map(async (zygote) => await zygote.closed()));
  }

  async #ready(slot: Slot, signal?: AbortSignal): Promise<Zygote> {
    const closing = this.#closing.signal;
    if (!closing.aborted && slot.zygote?.alive === true) return slot.zygote;
    if (!closing.aborted) {
      const wanted = signal === undefined ? closing : AbortSignal.any([closing, signal]);
      slot.zygote = await Zygote.start(this.#options.channels, wanted);
      if (!closing.aborted) return slot.zygote;
      this.#retire(slot);
    }
    throw passing('UNAVAILABLE', 'the jail is closed');
  }

  #retire(slot: Slot): void {
    slot.zygote?.kill();
    slot.zygote = null;
  }
}
