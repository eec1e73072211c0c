import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssayError, isPermanent, passing } from '@assay/lib/errors';
import type { Log } from '@assay/lib/log';
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
const MOST_SERIALS = 1 << 24;

export interface PoolOptions {
  readonly python: string;
  /** Executions side by side; one for each core, so that wall time is near CPU time. */
  readonly slots: number;
  readonly log: Log;
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
  #job = 0;
  #closed = false;

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
  async warm(): Promise<Hello> {
    const [first] = await Promise.all(this.#all.map(async (slot) => await this.#ready(slot)));
    if (first === undefined) throw new AssayError('SANDBOX_FAULT', 'the jail has no slots');
    return first.hello;
  }

  /**
   * Runs a submission to its verdict. A fault of ours is tried again, a time-out that may be the machine's once more
   * alone, with both on record. Throws SANDBOX_FAULT when three runs gave no verdict, UNAVAILABLE when `signal` aborted before the first began.
   */
  async run(submission: Submission, signal?: AbortSignal): Promise<Execution> {
    let near: Done | null = null;
    let crashes = 0;
    let fault = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { done, verdict } = await this.#try(
        submission,
        near !== null,
        attempt === 1 ? signal : undefined,
      );
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

  async #try(submission: Submission, alone: boolean, signal?: AbortSignal): Promise<Tried> {
    const nonce = randomBytes(16).toString('hex');
    try {
      const done = await this.once(alone ? submission : withMargin(submission), nonce, alone, signal);
      return { done, verdict: judge(done, submission, nonce) };
    } catch (error) {
      const fault = AssayError.from(error);
      if (fault.reason !== 'SANDBOX_FAULT' || isPermanent(fault)) throw fault;
      return { done: null, verdict: { status: 'IE', detail: fault.message } };
    }
  }

  /** One run, whatever comes of it. */
  async once(submission: Submission, nonce: string, alone = false, signal?: AbortSignal): Promise<Done> {
    const slot = await this.#slots.acquire(alone, signal);
    try {
      const zygote = await this.#ready(slot);
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
    this.#closed = true;
    const zygotes = this.#all.flatMap((slot) => slot.zygote ?? []);
    for (const zygote of zygotes) zygote.kill();
    await Promise.all(zygotes.map(async (zygote) => await zygote.closed()));
  }

  async #ready(slot: Slot): Promise<Zygote> {
    if (this.#closed) throw passing('UNAVAILABLE', 'the jail is closed');
    if (slot.zygote?.alive !== true) {
      const { python, log } = this.#options;
      slot.zygote = await Zygote.start({ python, serial: randomInt(1, MOST_SERIALS), log });
      if (this.#closed) this.#retire(slot);
    }
    return slot.zygote;
  }

  #retire(slot: Slot): void {
    slot.zygote?.kill();
    slot.zygote = null;
  }
}
