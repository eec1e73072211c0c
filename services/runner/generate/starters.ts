/**
 * Lets shards begin one after the other, in the order in which they came: until one's requests are queued it cannot be
 * seen whether there is room for the next. A shard that waits costs nothing.
 */
export class Starters {
  readonly #wanted: () => boolean;
  readonly #waiting: (() => void)[] = [];
  #starting: (() => void) | null = null;

  /** `wanted` says whether the requests of another shard are. */
  constructor(wanted: () => boolean) {
    this.#wanted = wanted;
  }

  /** Shards that have not begun. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get idle(): boolean {
    return this.#starting === null && this.#waiting.length === 0;
  }

  /** Resolves when the shard's requests are wanted; call what it gives once they are queued. */
  async start(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.next();
    await promise;
    return () => {
      if (this.#starting !== resolve) return;
      this.#starting = null;
      this.next();
    };
  }

  /** Call when what `wanted` says may have changed. */
  next(): void {
    if (this.#starting !== null || this.#waiting.length === 0 || !this.#wanted()) return;
    this.#starting = this.#waiting.shift() ?? null;
    this.#starting?.();
  }
}
