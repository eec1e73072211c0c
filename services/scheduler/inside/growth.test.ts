import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '@assay/lib/clock';
import { growthOf } from './growth.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-growth-'));
});
afterEach(() => rm(folder, { recursive: true }));
const put = (name: string, bytes: number) => writeFile(path.join(folder, name), Buffer.alloc(bytes));

describe('growthOf', () => {
  it('says when more was seen, and takes what was there at first for none', async () => {
    const clock = manualClock(5_000);
    await put('a', 10);
    await mkdir(path.join(folder, 'deep/er'), { recursive: true });
    const grown = growthOf(folder, clock);
    expect(await grown()).toEqual({ bytes: 10, files: 1, lastGrowthMs: null, closed: 0 });
    await put('deep/er/b', 7);
    expect(await grown()).toMatchObject({ bytes: 10 }); // at most once a second
    await clock.advance(1_000);
    expect(await grown()).toEqual({ bytes: 17, files: 2, lastGrowthMs: 6_000, closed: 0 });
    await clock.advance(1_000);
    await put('a', 4);
    expect(await grown()).toEqual({ bytes: 11, files: 2, lastGrowthMs: 6_000, closed: 0 });
    await clock.advance(1_000);
    await put('c', 0);
    expect(await grown()).toEqual({ bytes: 11, files: 3, lastGrowthMs: 8_000, closed: 0 });
  });

  it('measures nothing where the folder is not there yet', async () => {
    const grown = growthOf(path.join(folder, 'later'), manualClock());
    expect(await grown()).toEqual({ bytes: 0, files: 0, lastGrowthMs: null, closed: 0 });
  });

  it('leaves a folder alone for twenty times as long as it took to walk it', async () => {
    const clock = { ...manualClock(), monotonic: () => nowMs };
    let nowMs = 0;
    const grown = growthOf(folder, clock);
    const slow = grown();
    nowMs += 500;
    const first = await slow;
    nowMs += 9_999;
    expect(await grown()).toBe(first);
    nowMs += 1;
    expect(await grown()).not.toBe(first);
  });

  it('walks once for all that ask together, and follows no link', async () => {
    await symlink('/', path.join(folder, 'everything'));
    const grown = growthOf(folder, manualClock());
    const [one, two] = await Promise.all([grown(), grown()]);
    expect(one).toBe(two);
    expect(one.files).toBe(1);
  });

  it('bears files that vanish while it walks', async () => {
    const clock = manualClock();
    const grown = growthOf(folder, clock);
    let over = false;
    const churn = async () => {
      for (let round = 0; !over; round += 1) {
        const place = path.join(folder, `d${round % 7}`);
        await mkdir(place, { recursive: true });
        await Promise.all(Array.from({ length: 20 }, (_, i) => writeFile(path.join(place, String(i)), 'x')));
        await rm(place, { recursive: true });
      }
    };
    const churning = churn();
    for (let walks = 0; walks < 200; walks += 1) {
      await grown();
      await clock.advance(1_000);
      if (walks % 20 === 0) await sleep(1);
    }
    over = true;
    await churning;
    expect(await grown()).toMatchObject({ closed: 0 });
  });
});
