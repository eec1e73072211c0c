interface Queue {
  readonly job: string;
  most: number;
  inFlight: number;
  /** In order; `head` is the next. */
  waiting: ((granted: boolean) => void)[];
  head: number;
}

/** Whose request is next: jobs take turns, within a job first come first served, `first` before all others of the job. */
export class Turns {
  readonly #queues = new Map<string, Queue>();
  #queued = 0;
  #granted = 0;

  get queued(): number {
    return this.#queued;
  }

  /** Told that it is their turn, and not started yet. */
  get granted(): number {
    return this.#granted;
  }

  /** Resolves true when it is this request's turn, false when it was given up. */
  wait(job: string, most: number, first: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const queue = this.#queueOf(job);
      queue.most = most;
      this.#queued += 1;
      if (!first) queue.waiting.push(resolve);
      else if (queue.head > 0) queue.waiting[(queue.head -= 1)] = resolve;
      else queue.waiting.unshift(resolve);
    });
  }

  /** Gives one request its turn. False when none may start. */
  grant(): boolean {
    for (const queue of this.#queues.values()) {
      const next = queue.waiting[queue.head];
      if (next === undefined || (queue.most > 0 && queue.inFlight >= queue.most)) continue;
      queue.head += 1;
      if (queue.head === queue.waiting.length) [queue.waiting, queue.head] = [[], 0];
      else if (queue.head > 1_024) [queue.waiting, queue.head] = [queue.waiting.slice(queue.head), 0];
      queue.inFlight += 1;
      this.#queued -= 1;
      this.#granted += 1;
      // To the end of the round.
      this.#queues.delete(queue.job);
      this.#queues.set(queue.job, queue);
      next(true);
      return true;
    }
    return false;
  }

  started(): void {
    this.#granted -= 1;
  }

  done(job: string): void {
    const queue = this.#queues.get(job);
    if (queue === undefined) return;
    queue.inFlight -= 1;
    if (queue.inFlight === 0 && queue.waiting.length === queue.head) this.#queues.delete(job);
  }

  /** Everyone who waits, or those of one job, go without. */
  giveUp(job?: string): void {
    for (const queue of this.#queues.values()) {
      if (job !== undefined && queue.job !== job) continue;
      const waiting = queue.waiting.slice(queue.head);
      [queue.waiting, queue.head] = [[], 0];
      this.#queued -= waiting.length;
      for (const resolve of waiting) resolve(false);
      if (queue.inFlight === 0) this.#queues.delete(queue.job);
    }
  }

  #queueOf(job: string): Queue {
    const known = this.#queues.get(job);
    if (known !== undefined) return known;
    const queue = { job, most: 0, inFlight: 0, waiting: [], head: 0 };
    this.#queues.set(job, queue);
    return queue;
  }
}
