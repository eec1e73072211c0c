/** One request in flight, as the limiter remembers it. */
export interface Ticket {
  /** Cuts made before it started. */
  readonly epoch: number;
  /** Requests in flight when it started, itself included. */
  readonly level: number;
}

const FIRST_LIMIT = 32;
const DOUBLE_MS = 50;
const FIRST_HOLD_MS = 5_000;
const LONGEST_HOLD_MS = 20_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * How many requests a server is sent at once. Starts at 32, and until the server refuses one grows by one with each
 * answer and doubles every 50 ms in which nothing was refused: a server refuses at once, and answers late. The refused
 * request's level says how many the server takes: the limit falls to one below the lowest refused level, but not below
 * a quarter at once. There it holds, then feels its way up in growing steps; each refusal near the same level doubles
 * the hold. Refusals of requests that were sent before a cut count for that cut only (as congestion epochs of TCP do).
 */
export class Limiter {
  #ceiling: number;
  #limit: number;
  #inFlight = 0;
  #epoch = 0;
  #cutFloor = 1;
  #slowStart = true;
  #fullSinceMs: number | null = null;
  #holdUntilMs = 0;
  #holdMs = FIRST_HOLD_MS;
  #refusedAt = 0;
  #step = 1;
  #roundLeft = 0;
  #pauseUntilMs = 0;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(ceiling: number) {
    this.#ceiling = Math.max(1, ceiling);
    this.#limit = Math.min(FIRST_LIMIT, this.#ceiling);
  }

  get limit(): number {
    return this.#limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  setCeiling(ceiling: number): void {
    this.#ceiling = Math.max(1, ceiling);
    this.#limit = Math.min(this.#limit, this.#ceiling);
  }

  /** Milliseconds until a request may start beside `granted` that are about to: 0 now, Infinity when one must end first. */
  waitMs(nowMs: number, granted = 0): number {
    const taken = this.#inFlight + granted;
    if (taken < this.#limit) return Math.max(0, this.#pauseUntilMs - nowMs);
    if (!this.#slowStart || this.#limit >= this.#ceiling) return Infinity;
    // The limit is in use from now on, if it was not before.
    if (this.#fullSinceMs === null) this.#fullSinceMs = nowMs;
    const leftMs = this.#fullSinceMs + DOUBLE_MS - nowMs;
    if (leftMs > 0) return leftMs;
    this.#limit = Math.min(this.#ceiling, this.#limit * 2);
    this.#fullSinceMs = null;
    return 0;
  }

  start(): Ticket {
    this.#inFlight += 1;
    return { epoch: this.#epoch, level: this.#inFlight };
  }

  /** The server took it, whatever it answered. */
  taken(ticket: Ticket, nowMs: number): void {
    const full = this.#inFlight >= this.#limit || ticket.level >= this.#limit;
    this.#inFlight -= 1;
    this.#pauseMs = FIRST_PAUSE_MS;
    if (!full || ticket.epoch !== this.#epoch || this.#limit >= this.#ceiling) return;
    if (this.#slowStart) this.#limit = Math.min(this.#ceiling, this.#limit + 1);
    else this.#feel(nowMs);
  }

  /** Nothing can be learned from how it ended. */
  ended(): void {
    this.#inFlight -= 1;
  }

  /** 429 or 503. */
  refused(ticket: Ticket, nowMs: number, retryAfterMs = 0): void {
    this.#inFlight -= 1;
    if (ticket.level <= 1) this.#pause(nowMs, retryAfterMs);
    const lower = ticket.level - 1;
    if (ticket.epoch !== this.#epoch) {
      if (ticket.epoch === this.#epoch - 1)
        this.#limit = Math.min(this.#limit, Math.max(this.#cutFloor, lower));
      return;
    }
    this.#cut(lower, nowMs);
  }

  #cut(lower: number, nowMs: number): void {
    const before = this.#limit;
    this.#epoch += 1;
    this.#slowStart = false;
    this.#cutFloor = Math.max(1, Math.floor(before / 4));
    this.#limit = Math.max(this.#cutFloor, Math.min(before, lower));
    const near = Math.abs(lower - this.#refusedAt) <= Math.max(1, this.#refusedAt / 10);
    this.#holdMs = near ? Math.min(LONGEST_HOLD_MS, this.#holdMs * 2) : FIRST_HOLD_MS;
    this.#refusedAt = lower;
    this.#holdUntilMs = nowMs + this.#holdMs;
    this.#step = 1;
    this.#roundLeft = 0;
  }

  // After the hold: one more, then for each full round without refusal two, four, … more.
  #feel(nowMs: number): void {
    if (nowMs < this.#holdUntilMs) return;
    this.#roundLeft -= 1;
    if (this.#roundLeft > 0) return;
    this.#limit = Math.min(this.#ceiling, this.#limit + this.#step);
    this.#step = Math.min(this.#step * 2, Math.max(1, Math.floor(this.#limit / 4)));
    this.#roundLeft = this.#limit;
  }

  // The server refuses even a single request: wait, longer each time.
  #pause(nowMs: number, retryAfterMs: number): void {
    const until = nowMs + Math.min(LONGEST_PAUSE_MS, Math.max(this.#pauseMs, retryAfterMs));
    this.#pauseUntilMs = Math.max(this.#pauseUntilMs, until);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }
}
