import { passing } from '@assay/lib/errors';

interface Waiter<T> {
  readonly alone: boolean;
  readonly grant: (slot: T) => void;
}

/**
 * Hands out slots in order. A caller that must be alone gets a slot when no other is taken, and while it waits or runs
 * nobody else gets one.
 */
export class Slots<T> {
  readonly #free: T[];
  readonly #size: number;
  #waiting: Waiter<T>[] = [];
  #aloneTaken = false;

  constructor(slots: readonly T[]) {
    this.#free = [...slots];
    this.#size = slots.length;
  }

  get taken(): number {
    return this.#size - this.#free.length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects with UNAVAILABLE (passing) when `signal` aborts before a slot is free. */
  async acquire(alone: boolean, signal?: AbortSignal): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const refuse = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
        reject(passing('UNAVAILABLE', 'the sandbox is stopping'));
        this.#pump();
      };
      const waiter: Waiter<T> = {
        alone,
        grant: (slot) => {
          signal?.removeEventListener('abort', refuse);
          resolve(slot);
        },
      };
      if (signal?.aborted === true) return refuse();
      signal?.addEventListener('abort', refuse, { once: true });
      this.#waiting.push(waiter);
      this.#pump();
    });
  }

  release(slot: T): void {
    this.#free.push(slot);
    this.#aloneTaken = false;
    this.#pump();
  }

  #pump(): void {
    if (this.#aloneTaken) return;
    const alone = this.#waiting.find((waiter) => waiter.alone);
    if (alone !== undefined) {
      if (this.taken > 0) return;
      this.#aloneTaken = true;
      return this.#grant(alone);
    }
    while (this.#free.length > 0 && this.#waiting.length > 0) this.#grant(this.#waiting[0]!);
  }

  #grant(waiter: Waiter<T>): void {
    const slot = this.#free.pop();
    if (slot === undefined) return;
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    waiter.grant(slot);
  }
}
