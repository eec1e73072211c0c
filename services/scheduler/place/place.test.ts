import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Need } from './fit.ts';
import { place, type Claim, type Reservation, type Snapshot } from './place.ts';

const MIB = 1024 * 1024;
const SLOTS = { slot: 1 };
const SLOT: Need = { pool: 'slots', requests: { slot: 1 }, labels: {}, tolerations: [] };

function reservation(job: string, over: Partial<Reservation> = {}): Reservation {
  return {
    job,
    partition: 'p0',
    server: `s-${job}`,
    need: null,
    generationBytes: MIB,
    scoreBytes: MIB,
    ...over,
  };
}

function claim(job: string, over: Partial<Claim> = {}): Claim {
  return { ...reservation(job), prepared: true, ...over };
}

function snapshot(over: Partial<Snapshot> = {}): Snapshot {
  const ledger = { generationsBytes: 100 * MIB, scoresBytes: 100 * MIB };
  return {
    nowMs: 0,
    claims: [],
    active: [],
    retained: [],
    servers: [],
    nodes: [{ name: 'n', closed: null, labels: {}, taints: [], total: SLOTS, free: SLOTS }],
    ledger,
    idleMs: 1_000,
    ...over,
  };
}

const verdicts = (given: Snapshot) =>
  place(given).verdicts.map((verdict) =>
    'reason' in verdict ? `${verdict.type} ${verdict.reason}` : verdict.type,
  );

describe('ledger room', () => {
  it('admits what fits and lets no later job pass the first that does not', () => {
    const claims = [
      claim('a'),
      claim('b', { generationBytes: 80 * MIB }),
      claim('c', { generationBytes: 20 * MIB }),
      claim('d'),
    ];
    const active = [reservation('x', { generationBytes: 30 * MIB })];
    expect(verdicts(snapshot({ claims, active }))).toEqual([
      'admit',
      'wait LEDGER_FULL',
      'wait JOBS_AHEAD',
      'wait JOBS_AHEAD',
    ]);
  });

  it('refuses a job that even an empty ledger cannot take', () => {
    expect(verdicts(snapshot({ claims: [claim('a', { scoreBytes: 95 * MIB })] }))).toEqual([
      'refuse LEDGER_TOO_SMALL',
    ]);
  });

  it('gives up kept subjects, oldest first and no more than needed', () => {
    const retained = ['old', 'mid', 'new'].map((job) => reservation(job, { generationBytes: 25 * MIB }));
    const result = place(snapshot({ retained, claims: [claim('a', { generationBytes: 40 * MIB })] }));
    expect(result.giveUp).toEqual(['old']);
    expect(result.verdicts).toEqual([{ type: 'admit', job: 'a' }]);
  });

  it('gives nothing up for a job that would not fit all the same', () => {
    const active = [reservation('x', { generationBytes: 60 * MIB })];
    const retained = [reservation('old', { generationBytes: 10 * MIB })];
    const result = place(snapshot({ active, retained, claims: [claim('a', { generationBytes: 50 * MIB })] }));
    expect(result.giveUp).toEqual([]);
    expect(
      verdicts(snapshot({ active, retained, claims: [claim('a', { generationBytes: 50 * MIB })] })),
    ).toEqual(['wait LEDGER_FULL']);
  });

  it('keeps partitions apart', () => {
    const claims = [claim('a', { generationBytes: 80 * MIB }), claim('b', { partition: 'p1' })];
    const active = [reservation('x', { generationBytes: 30 * MIB })];
    expect(verdicts(snapshot({ claims, active }))).toEqual(['wait LEDGER_FULL', 'admit']);
  });

  it('never reserves more than a ledger holds', () => {
    const sizes = fc.record({
      generationBytes: fc.integer({ min: 0, max: 120 * MIB }),
      scoreBytes: fc.integer({ min: 0, max: 120 * MIB }),
    });
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 12 }), fc.array(sizes, { maxLength: 4 }), (claimed, kept) => {
        const claims = claimed.map((size, i) => claim(`c${i}`, size));
        const retained = kept.map((size, i) =>
          reservation(`k${i}`, {
            generationBytes: size.generationBytes / 8,
            scoreBytes: size.scoreBytes / 8,
          }),
        );
        const result = place(snapshot({ claims, retained }));
        const admitted = claims.filter((_, i) => result.verdicts[i]?.type === 'admit');
        const still = retained.filter((job) => !result.giveUp.includes(job.job));
        const held = [...admitted, ...(admitted.length > 0 ? still : [])];
        expect(held.reduce((sum, job) => sum + job.generationBytes, 0)).toBeLessThanOrEqual(100 * MIB);
        expect(held.reduce((sum, job) => sum + job.scoreBytes, 0)).toBeLessThanOrEqual(100 * MIB);
      }),
    );
  });
});

describe('device slots', () => {
  const local = { need: SLOT };
  const running = (key: string, idleSinceMs: number | null = null) => ({
    key,
    need: SLOT,
    node: 'n',
    avoid: [],
    idleSinceMs,
  });

  it('lets jobs of the same key share one server', () => {
    const claims = [claim('a', { ...local, server: 's' }), claim('b', { ...local, server: 's' })];
    expect(verdicts(snapshot({ claims }))).toEqual(['admit', 'admit']);
  });

  it('makes a job of another model wait, and later jobs of the busy model behind it', () => {
    const active = [reservation('x', { ...local, server: 's' })];
    const servers = [running('s')];
    const claims = [claim('a', { ...local, server: 't' }), claim('b', { ...local, server: 's' }), claim('c')];
    expect(verdicts(snapshot({ active, servers, claims }))).toEqual([
      'wait DEVICE_BUSY',
      'wait JOBS_AHEAD',
      'admit',
    ]);
  });

  it('stops an idle server when its slot is needed', () => {
    const servers = [running('s', 0)];
    const result = place(snapshot({ servers, claims: [claim('a', { ...local, server: 't' })] }));
    expect(result).toMatchObject({ verdicts: [{ type: 'admit', job: 'a' }], giveUp: [], stop: ['s'] });
    expect(result.nodes).toEqual(new Map([['t', 'n']]));
  });

  it('reuses a warm server and leaves it running', () => {
    const servers = [running('s', 0)];
    const result = place(
      snapshot({ nowMs: 5_000, servers, claims: [claim('a', { ...local, server: 's' })] }),
    );
    expect(result.stop).toEqual([]);
  });

  it('warms the server of a job that is still being prepared', () => {
    expect(verdicts(snapshot({ claims: [claim('a', { ...local, prepared: false })] }))).toEqual(['warm']);
  });

  it('stops a server that has been idle for long enough', () => {
    const servers = [running('s', 0), { key: 't', need: null, node: null, avoid: [], idleSinceMs: 4_500 }];
    expect(place(snapshot({ nowMs: 5_000, servers })).stop).toEqual(['s']);
  });
});
