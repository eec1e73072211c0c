const MOST_DETAILS = 3;

/** What is printed, one line for each thing that was held against what it should be. */
export class Lines {
  #equal = 0;
  #differs = 0;
  readonly #notRun: string[] = [];

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  note(text: string): void {
    console.log(`  ${text}`);
  }

  equal(what: string): void {
    this.#equal += 1;
    console.log(`equal    ${what}`);
  }

  differs(what: string, details: readonly string[] = []): void {
    this.#differs += 1;
    console.log(`DIFFERS  ${what}`);
    for (const detail of details.slice(0, MOST_DETAILS)) console.log(`           ${detail}`);
    if (details.length > MOST_DETAILS) console.log(`           and ${details.length - MOST_DETAILS} more`);
  }

  /** Equal when there is nothing in `differences`. */
  check(what: string, differences: readonly string[]): void {
    if (differences.length === 0) this.equal(what);
    else this.differs(what, differences);
  }

  notRun(part: string, why: string): void {
    this.#notRun.push(`${part}: ${why}`);
    console.log(`not run: ${part}: ${why}`);
  }

  /** The last words, and the exit code: 1 when something differs, 3 when something could not be run, 0 when all is equal. */
  end(): number {
    console.log(
      `\n${this.#equal} comparisons equal, ${this.#differs} differ, ${this.#notRun.length} parts not run`,
    );
    for (const line of this.#notRun) console.log(`not run: ${line}`);
    if (this.#differs > 0) return 1;
    return this.#notRun.length > 0 ? 3 : 0;
  }
}
