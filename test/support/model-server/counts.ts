import { hash } from 'node:crypto';

/** What the server was asked; times are epoch milliseconds. */
export interface RequestCounts {
  /** Requests for an answer; models, tokenizer and admin are not among them. */
  readonly total: number;
  /** Answers sent whole with status 200. */
  readonly completed: number;
  readonly inFlight: number;
  readonly peakInFlight: number;
  /** By HTTP status; 0: none was sent. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly tokenizeCalls: number;
  /** By `promptKey`. */
  readonly prompts: Readonly<Record<string, PromptCount>>;
}

export interface PromptCount {
  readonly asked: number;
  readonly completed: number;
  readonly firstAskedAt: number;
  readonly lastAskedAt: number;
  /** When an answer was last sent whole; 0 when none was. */
  readonly lastAnsweredAt: number;
}

/** Names a request in the counts: its prompt (for chat the JSON of its messages) and its seed. */
export function promptKey(prompt: string, seed?: unknown): string {
  return hash('sha1', seed === undefined ? prompt : `${prompt}\n${String(seed)}`, 'hex').slice(0, 16);
}

export class Counts {
  #total = 0;
  #completed = 0;
  #inFlight = 0;
  #peak = 0;
  #tokenizeCalls = 0;
  #statuses = new Map<number, number>();
  #prompts = new Map<
    string,
    { asked: number; completed: number; firstAskedAt: number; lastAskedAt: number; lastAnsweredAt: number }
  >();

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How often this prompt has been asked, this time included. */
  begin(key: string): number {
    const now = Date.now();
    this.#total += 1;
    this.#inFlight += 1;
    this.#peak = Math.max(this.#peak, this.#inFlight);
    const entry = this.#prompts.get(key);
    if (entry === undefined) {
      this.#prompts.set(key, {
        asked: 1,
        completed: 0,
        firstAskedAt: now,
        lastAskedAt: now,
        lastAnsweredAt: 0,
      });
      return 1;
    }
    entry.asked += 1;
    entry.lastAskedAt = now;
    return entry.asked;
  }

  end(key: string, status: number, whole: boolean): void {
    this.#inFlight -= 1;
    this.status(status);
    if (status !== 200 || !whole) return;
    this.#completed += 1;
    const entry = this.#prompts.get(key);
    if (entry === undefined) return;
    entry.completed += 1;
    entry.lastAnsweredAt = Date.now();
  }

  status(status: number): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  tokenized(): void {
    this.#tokenizeCalls += 1;
  }

  snapshot(withPrompts: boolean): RequestCounts {
    return {
      total: this.#total,
      completed: this.#completed,
      inFlight: this.#inFlight,
      peakInFlight: this.#peak,
      statuses: Object.fromEntries(this.#statuses),
      tokenizeCalls: this.#tokenizeCalls,
      prompts: withPrompts ? Object.fromEntries(this.#prompts) : {},
    };
  }

  reset(): void {
    this.#total = this.#completed = this.#tokenizeCalls = 0;
    this.#peak = this.#inFlight;
    this.#statuses.clear();
    this.#prompts.clear();
  }
}
