import { describe, expect, it } from 'vitest';
import { manualClock, systemClock } from './clock.ts';

describe('systemClock', () => {
  it('rejects a sleep with the reason that the signal gives', async () => {
    const why = new Error('stopped');
    const controller = new AbortController();
    const asleep = systemClock.sleep(60_000, controller.signal);
    controller.abort(why);
    await expect(asleep).rejects.toBe(why);
    await expect(systemClock.sleep(0, AbortSignal.abort(why))).rejects.toBe(why);
  });

  it('does not wake at once from a sleep longer than a timer can hold', async () => {
    const controller = new AbortController();
    let woke = false;
    const asleep = systemClock.sleep(2 ** 32, controller.signal).then(() => (woke = true));
    await systemClock.sleep(20);
    expect(woke).toBe(false);
    controller.abort(new Error('enough'));
    await expect(asleep).rejects.toThrow('enough');
  });
});

describe('manualClock', () => {
  it('wakes sleepers in the order of their times, and those who sleep again', async () => {
    const clock = manualClock(1_000);
    const woken: string[] = [];
    const sleeper = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name} ${clock.now()}`);
    };
    const all = [
      sleeper('late', 30),
      sleeper('early', 10),
      sleeper('early', 10).then(() => sleeper('again', 5)),
    ];
    await clock.advance(20);
    expect(woken).toEqual(['early 1010', 'early 1010', 'again 1015']);
    await clock.advance(10);
    await Promise.all(all);
    expect(woken.at(-1)).toBe('late 1030');
  });

  it('rejects a sleeper whose signal aborts', async () => {
    const clock = manualClock();
    const controller = new AbortController();
    const asleep = clock.sleep(10, controller.signal);
    controller.abort(new Error('stopped'));
    await expect(asleep).rejects.toThrow('stopped');
  });
});
