import { describe, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { remembered } from './remembered.ts';

function setting(most = 10, mostAsked = 10) {
  const clock = manualClock();
  const remember = remembered<string>({ most, mostAsked, clock });
  const asked: string[] = [];
  const ask = (key: string, keepMs = 1_000) =>
    remember(key, async () => {
      asked.push(key);
      return { value: `${key}${asked.length}`, keepMs };
    });
  return { clock, remember, asked, ask };
}

describe('remembered', () => {
  it('keeps an answer for its time, counted from the question', async () => {
    const { clock, remember, ask } = setting();
    const slow = remember('a', async () => {
      await clock.sleep(600);
      return { value: 'slow', keepMs: 1_000 };
    });
    await clock.advance(600);
    expect(await slow).toBe('slow');
    await clock.advance(399);
    expect(await ask('a')).toBe('slow');
    await clock.advance(1);
    expect(await ask('a')).toBe('a1');
  });

  it('asks once for all who want the same at once', async () => {
    const { asked, ask } = setting();
    expect(await Promise.all([ask('a'), ask('a'), ask('b'), ask('a')])).toEqual(['a1', 'a1', 'b2', 'a1']);
    expect(asked).toEqual(['a', 'b']);
  });

  it('forgets a question that failed, also to those who joined it', async () => {
    const { remember, ask } = setting();
    const broken = () => remember('a', () => Promise.reject(new Error('gone')));
    expect((await Promise.allSettled([broken(), broken()])).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
    ]);
    expect(await ask('a')).toBe('a1');
  });

  it('keeps no more than it may, and first forgets what nobody used', async () => {
    const { asked, ask } = setting(2);
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await ask(key);
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });

  it('refuses one question too many, and not what is known', async () => {
    const { remember, ask } = setting(10, 1);
    await ask('known');
    const { promise, resolve } = Promise.withResolvers<{ value: string; keepMs: number }>();
    const first = remember('a', () => promise);
    await expect(ask('b')).rejects.toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    expect(await ask('known')).toBe('known1');
    resolve({ value: 'x', keepMs: 1 });
    await first;
    expect(await ask('b')).toBe('b2');
  });
});
