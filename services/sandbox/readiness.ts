/** Null when it holds, else why it does not. */
type Check = () => Promise<string | null>;

/** What must hold for the sandbox to do its work; what is checked is added while it starts. */
export class Readiness {
  readonly #checks: Check[] = [];
  #why: string | null = 'starts';

  needs(check: Check): void {
    this.#checks.push(check);
  }

  started(): void {
    this.#why = null;
  }

  /** The first reason that there is, in the order in which checks were added. */
  async why(): Promise<string | null> {
    for (const check of this.#checks) {
      const why = await check();
      if (why !== null) return why;
    }
    return this.#why;
  }
}
