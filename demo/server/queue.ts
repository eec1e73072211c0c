/** Thrown to the caller who finds the queue full. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

export interface Queue {
  /** Runs `job` when all before it are done; rejects at once when `signal` aborts while it waits. */
  run<T>(job: () => Promise<T>, signal: AbortSignal): Promise<T>;
  readonly waiting: number;
}

/** One job at a time, first come first served, at most `limit` waiting. */
export function createQueue(limit: number): Queue {
  const line: (() => void)[] = [];
  let busy = false;

  function leave(): void {
    const next = line.shift();
    if (next === undefined) busy = false;
    else next();
  }

  function turn(signal: AbortSignal): Promise<void> {
    if (!busy) {
      busy = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', abandon);
        resolve();
      };
      const abandon = (): void => {
        const place = line.indexOf(enter);
        if (place !== -1) line.splice(place, 1);
        reject(signal.reason);
      };
      line.push(enter);
      signal.addEventListener('abort', abandon, { once: true });
    });
  }

  return {
    get waiting() {
      return line.length;
    },
    async run(job, signal) {
      signal.throwIfAborted();
      if (busy && line.length >= limit) throw new QueueFull(`${line.length} requests wait already`);
      await turn(signal);
      try {
        signal.throwIfAborted();
        return await job();
      } finally {
        leave();
      }
    },
  };
}
