import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Limiter, type Ticket } from './limiter.ts';

interface Simulated {
  /** Milliseconds of simulated time. */
  readonly forMs: number;
  readonly ceiling: number;
  /** Requests that the server takes at once, by time. */
  readonly takes: (nowMs: number) => number;
  readonly serviceMs: number;
}

interface Tally {
  readonly atMs: number;
  readonly answered: boolean;
}

// A client with endless work and a server that refuses at once what is over its limit; time is an event queue.
function simulate({ forMs, ceiling, takes, serviceMs }: Simulated): { tallies: Tally[]; limiter: Limiter } {
  const limiter = new Limiter(ceiling);
  const tallies: Tally[] = [];
  let events: { atMs: number; ticket: Ticket; answered: boolean }[] = [];
  let busy = 0;
  let serial = 0;
  for (let nowMs = 0; nowMs < forMs; nowMs += 1) {
    const due = events.filter(({ atMs }) => atMs <= nowMs);
    events = events.filter(({ atMs }) => atMs > nowMs);
    for (const { ticket, answered } of due) {
      tallies.push({ atMs: nowMs, answered });
      if (answered) busy -= 1;
      if (answered) limiter.taken(ticket, nowMs);
      else limiter.refused(ticket, nowMs);
    }
    while (limiter.waitMs(nowMs) === 0) {
      const ticket = limiter.start();
      const answered = busy < takes(nowMs);
      if (answered) busy += 1;
      serial += 1;
      // Answers come spread out, refusals within a millisecond or two.
      const took = answered ? serviceMs * (0.75 + 0.5 * ((serial * 0.618) % 1)) : 1;
      events.push({ atMs: nowMs + Math.max(1, Math.round(took)), ticket, answered });
    }
  }
  return { tallies, limiter };
}

const rate = (tallies: readonly Tally[], fromMs: number, toMs: number) => {
  const inside = tallies.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const answered = inside.filter((tally) => tally.answered).length;
  return {
    perSecond: (answered / (toMs - fromMs)) * 1_000,
    refused: 1 - answered / Math.max(1, inside.length),
  };
};

describe('the limiter', () => {
  it.each([20, 100, 400, 2_000])(
    'finds a limit of 64 under a ceiling of 256 (answers take %i ms)',
    (serviceMs) => {
      const { tallies } = simulate({ forMs: 40_000, ceiling: 256, takes: () => 64, serviceMs });
      const after = rate(tallies, 10_000, 40_000);
      expect(after.perSecond).toBeGreaterThan(0.9 * (64 / serviceMs) * 1_000);
      expect(after.refused).toBeLessThan(0.02);
    },
  );

  it('is at the ceiling long before the first answer of a slow server', () => {
    const { limiter } = simulate({ forMs: 200, ceiling: 256, takes: () => 1_000, serviceMs: 400 });
    expect(limiter.limit).toBe(256);
  });

  it('follows a server that takes less than before, and more again', () => {
    const takes = (nowMs: number) => (nowMs < 20_000 ? 64 : nowMs < 40_000 ? 8 : 64);
    const { tallies } = simulate({ forMs: 80_000, ceiling: 256, takes, serviceMs: 100 });
    expect(rate(tallies, 30_000, 40_000).perSecond).toBeGreaterThan(0.9 * 80);
    expect(rate(tallies, 65_000, 80_000).perSecond).toBeGreaterThan(0.8 * 640);
  });

  it('asks a server that refuses everything ever more slowly', () => {
    const { tallies } = simulate({ forMs: 60_000, ceiling: 256, takes: () => 0, serviceMs: 100 });
    const late = tallies.filter(({ atMs }) => atMs > 20_000);
    expect(late.length).toBeLessThan(20);
    expect(late.length).toBeGreaterThan(0);
  });

  it('never has more in flight than its limit, nor a limit beyond the ceiling', () => {
    const event = fc.oneof(
      fc.constant('start' as const),
      fc.constant('taken' as const),
      fc.constant('refused' as const),
      fc.constant('ended' as const),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(event, { maxLength: 400 }),
        (ceiling, events) => {
          const limiter = new Limiter(ceiling);
          const tickets: Ticket[] = [];
          events.forEach((name, nowMs) => {
            if (name === 'start') {
              if (limiter.waitMs(nowMs) === 0) tickets.push(limiter.start());
            } else {
              const ticket = tickets.pop();
              if (ticket === undefined) return;
              if (name === 'taken') limiter.taken(ticket, nowMs);
              else if (name === 'refused') limiter.refused(ticket, nowMs);
              else limiter.ended();
            }
            expect(limiter.limit).toBeGreaterThanOrEqual(1);
            expect(limiter.limit).toBeLessThanOrEqual(ceiling);
            expect(limiter.inFlight).toBe(tickets.length);
          });
        },
      ),
    );
  });
});
