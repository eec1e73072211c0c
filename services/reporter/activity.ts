/** What the reporter does at the moment, in words for a person. */
export class Activity {
  readonly #reports = new Set<string>();
  #scores = 0;
  #told = 0;

  folded(scores: number): void {
    this.#scores += scores;
  }

  async report<T>(job: string, act: () => Promise<T>): Promise<T> {
    this.#reports.add(job);
    try {
      return await act();
    } finally {
      this.#reports.delete(job);
    }
  }

  /** Since it was asked the last time. */
  words(): string {
    const scores = this.#scores - this.#told;
    this.#told = this.#scores;
    const reports = this.#reports.size;
    if (reports > 0) return `writes ${reports} report${reports === 1 ? '' : 's'}`;
    return scores === 0 ? 'waits for scores' : `stores scores (${this.#scores} so far)`;
  }
}
