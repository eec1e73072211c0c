import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

describe('Turns', () => {
  it('does one thing at a time, in the order asked', async () => {
    const turns = new Turns<string>();
    const events: string[] = [];
    const act = (name: string) => async () => {
      events.push(`${name} begins`);
      await Promise.resolve();
      events.push(`${name} ends`);
      return name;
    };
    await Promise.all([turns.run('a', act('a')), turns.run('b', act('b'))]);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('does the same thing once for all who ask while it is under way, and again afterwards', async () => {
    const turns = new Turns<number>();
    let done = 0;
    const act = async () => (done += 1);
    expect(await Promise.all([turns.run('a', act), turns.run('a', act)])).toEqual([1, 1]);
    expect(await turns.run('a', act)).toBe(2);
  });

  it('goes on after a failure, which only those who asked see', async () => {
    const turns = new Turns<number>();
    const failed = turns.run('a', () => Promise.reject(new Error('no')));
    const next = turns.run('b', async () => 2);
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe(2);
    await turns.idle();
  });
});
