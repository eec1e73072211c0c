import { expect, it } from 'vitest';
import { Readiness } from './readiness.ts';

it('names the first thing that does not hold, and the start before it is over', async () => {
  const readiness = new Readiness();
  let exec: string | null = 'the exec side is away';
  readiness.needs(async () => exec);
  readiness.needs(async () => null);
  expect(await readiness.why()).toBe('the exec side is away');
  exec = null;
  expect(await readiness.why()).toBe('starts');
  readiness.started();
  expect(await readiness.why()).toBeNull();
});
