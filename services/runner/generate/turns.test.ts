import { describe, expect, it } from 'vitest';
import { Starters } from './starters.ts';
import { Turns } from './turns.ts';

async function order(
  turns: Turns,
  waiting: readonly [job: string, name: string, most?: number, first?: boolean][],
) {
  const granted: string[] = [];
  for (const [job, name, most = 0, first = false] of waiting) {
    void turns.wait(job, most, first).then((yes) => granted.push(yes ? name : `no ${name}`));
  }
  while (turns.grant()) await Promise.resolve();
  await Promise.resolve();
  return granted;
}

describe('turns', () => {
  it('go round the jobs, within a job in order', async () => {
    const granted = await order(new Turns(), [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      ['b', 'b1'],
      ['b', 'b2'],
    ]);
    expect(granted).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('go first to what waited before', async () => {
    const granted = await order(new Turns(), [
      ['a', 'a1'],
      ['a', 'again', 0, true],
    ]);
    expect(granted).toEqual(['again', 'a1']);
  });

  it('leave a job at the number in flight that it asked for', async () => {
    const turns = new Turns();
    expect(
      await order(turns, [
        ['a', 'a1', 1],
        ['a', 'a2', 1],
        ['b', 'b1'],
      ]),
    ).toEqual(['a1', 'b1']);
    turns.done('a');
    expect(turns.grant()).toBe(true);
    expect(turns.queued).toBe(0);
  });

  it('are given up, of one job or of all', async () => {
    const turns = new Turns();
    const waits = [turns.wait('a', 0, false), turns.wait('b', 0, false), turns.wait('b', 0, false)];
    turns.giveUp('b');
    expect(turns.queued).toBe(1);
    turns.giveUp();
    expect(await Promise.all(waits)).toEqual([false, false, false]);
    expect(turns.grant()).toBe(false);
  });
});

describe('shards', () => {
  it('begin one after the other, while they are wanted', async () => {
    let wanted = true;
    const starters = new Starters(() => wanted);
    const begun: string[] = [];
    const begin = async (name: string) => {
      const queued = await starters.start();
      begun.push(name);
      return queued;
    };
    const first = begin('first');
    const second = begin('second');
    const queued = await first;
    expect(begun).toEqual(['first']);
    wanted = false;
    queued();
    await Promise.resolve();
    expect([begun, starters.waiting]).toEqual([['first'], 1]);
    wanted = true;
    starters.next();
    await second;
    expect(begun).toEqual(['first', 'second']);
  });
});
