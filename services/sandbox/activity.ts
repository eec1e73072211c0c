import type { Jail } from '@assay/lib/python';

/** What the sandbox does at the moment, in words for a person. */
export class Activity {
  #scored = 0;
  #told = 0;

  scored(): void {
    this.#scored += 1;
  }

  /** Since it was asked the last time. */
  words(jail: Pick<Jail, 'running' | 'waiting' | 'slots'>): string {
    const since = this.#scored - this.#told;
    this.#told = this.#scored;
    if (jail.running > 0) return `executes (${jail.running} of ${jail.slots} slots, ${jail.waiting} waiting)`;
    return since === 0 ? 'waits for generations' : `scores (${this.#scored} so far)`;
  }
}
