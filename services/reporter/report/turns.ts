/** Does one thing after another; what is asked for again while it waits or runs is done once, for all who asked. */
export class Turns<T> {
  readonly #asked = new Map<string, Promise<T>>();
  #last: Promise<unknown> = Promise.resolve();

  run(key: string, act: () => Promise<T>): Promise<T> {
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const turn = this.#last.then(act).finally(() => this.#asked.delete(key));
    this.#asked.set(key, turn);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#asked.size > 0) await this.#last;
  }
}
