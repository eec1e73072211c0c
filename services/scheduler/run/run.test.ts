import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATES, isTerminal, type JobTask } from '@assay/lib/domain';
import { isEdge } from './edges.ts';
import { etaSeconds, remember } from './eta.ts';
import { buckets, compare } from './gaps.ts';
import { nextWindow } from './window.ts';

describe('isEdge', () => {
  it('leads nowhere from a terminal state and to FAILED and CANCELLED from every other', () => {
    for (const from of JOB_STATES) {
      const next = JOB_STATES.filter((to) => isEdge(from, to));
      if (isTerminal(from)) expect(next).toEqual([]);
      else expect(next).toEqual(expect.arrayContaining(['FAILED', 'CANCELLED']));
    }
  });
  it('reaches SUCCEEDED from AUDITING only', () => {
    expect(JOB_STATES.filter((from) => isEdge(from, 'SUCCEEDED'))).toEqual(['AUDITING']);
  });
});

describe('nextWindow', () => {
  const task = (name: string, published: number, shards: number): JobTask => ({ name, published, shards });

  it('moves the task that is least far along first', () => {
    const parts = nextWindow([task('a', 5, 10), task('b', 0, 10)], 6);
    expect(parts).toEqual([
      { task: 'a', from: 5, to: 6 },
      { task: 'b', from: 0, to: 5 },
    ]);
  });
  it('never passes a task’s end, and uses all the room when there is work for it', () => {
    const tasks = fc.array(fc.record({ published: fc.nat(20), more: fc.nat(20) }), { maxLength: 5 });
    fc.assert(
      fc.property(tasks, fc.nat(50), (given, room) => {
        const list = given.map(({ published, more }, i) => task(`t${i}`, published, published + more));
        const parts = nextWindow(list, room);
        const open = given.reduce((sum, { more }) => sum + more, 0);
        expect(parts.reduce((sum, part) => sum + part.to - part.from, 0)).toBe(Math.min(room, open));
        for (const part of parts)
          expect(part.to).toBeLessThanOrEqual(list.find((t) => t.name === part.task)?.shards ?? -1);
      }),
    );
  });
});

describe('compare', () => {
  it('names exactly what is not there, and counts what should not be', async () => {
    const range = { bucket: 0, first: 0, end: 3 };
    const found = [
      { doc: 0, repeat: 0 },
      { doc: 0, repeat: 1 },
      { doc: 2, repeat: 1 },
      { doc: 3, repeat: 0 },
      { doc: 1, repeat: 'all' as const },
    ];
    expect(await compare(range, { repeats: 2 }, 'sample', [found.slice(0, 2), found.slice(2)])).toEqual({
      missing: [
        { doc: 1, repeat: 0 },
        { doc: 1, repeat: 1 },
        { doc: 2, repeat: 0 },
      ],
      unexpected: 2,
    });
  });
  it('finds any subset that is left out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.boolean()),
        async (docs, repeats, keep) => {
          const all = Array.from({ length: docs * repeats }, (_, i) => ({
            doc: Math.floor(i / repeats),
            repeat: i % repeats,
          }));
          const kept = all.filter(() => keep.next().value === true);
          const [range] = buckets(docs);
          if (range === undefined) throw new Error('no bucket');
          const { missing, unexpected } = await compare(range, { repeats }, 'sample', [kept]);
          expect(unexpected).toBe(0);
          expect([...missing, ...kept].length).toBe(all.length);
        },
      ),
    );
  });
  it('covers every document with buckets, once', () => {
    expect([...buckets(25_000)]).toEqual([
      { bucket: 0, first: 0, end: 10_000 },
      { bucket: 1, first: 10_000, end: 20_000 },
      { bucket: 2, first: 20_000, end: 25_000 },
    ]);
    expect([...buckets(0)]).toEqual([]);
  });
});

describe('etaSeconds', () => {
  it('goes by the rate of the last half minute', () => {
    let looks = remember([], { atMs: 0, done: 0 });
    looks = remember(looks, { atMs: 40_000, done: 10 });
    looks = remember(looks, { atMs: 50_000, done: 110 });
    expect(etaSeconds(looks, 210)).toBeCloseTo(10);
  });
  it('says nothing before anything moved or when all is done', () => {
    expect(etaSeconds([{ atMs: 0, done: 1 }], 5)).toBe(0);
    expect(
      etaSeconds(
        [
          { atMs: 0, done: 1 },
          { atMs: 9, done: 5 },
        ],
        5,
      ),
    ).toBe(0);
  });
});
