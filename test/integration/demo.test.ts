import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityOf, parseIdentity } from '@assay/cli/local/process-identity';
import { makeCheckout, type Checkout } from '../support/checkout.ts';

let checkout: Checkout;

beforeEach(async () => {
  checkout = await makeCheckout(100);
});

afterEach(() => checkout.remove());

describe('the demo', () => {
  it('that loses its terminal stops all that it started', { timeout: 120_000 }, async () => {
    const demo = checkout.demo();
    await demo.said('RUNNING');
    const pids = await running();
    expect(pids.length).toBeGreaterThanOrEqual(5);
    demo.child.kill('SIGHUP');
    expect(await demo.ended).toMatchObject({ code: 130 });
    for (const pid of pids) expect(await identityOf(pid)).toBeNull();
  });

  it('that nobody reads any more stops all that it started', { timeout: 120_000 }, async () => {
    const demo = checkout.demo();
    await demo.said('RUNNING');
    const pids = await running();
    demo.child.stdout?.destroy();
    expect(await demo.ended).toMatchObject({ code: 130 });
    for (const pid of pids) expect(await identityOf(pid)).toBeNull();
  });

  it('is one at a time: a second says so in one line', { timeout: 120_000 }, async () => {
    const [first, second] = [checkout.demo(), checkout.demo()];
    const early = await Promise.race(
      [first, second].map((demo) => demo.ended.then((end) => ({ demo, end }))),
    );
    expect(early.end).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^another demo is at work here \(process \d+\)[^\n]*\n$/),
      err: '',
    });
    const other = early.demo === first ? second : first;
    await other.said('RUNNING');
    const third = await checkout.demo().ended;
    expect(third.out).toContain(`process ${other.child.pid}`);
    other.child.kill('SIGINT');
    expect(await other.ended).toMatchObject({ code: 130, err: '' });
  });

  it('runs in two checkouts at once', { timeout: 180_000 }, async () => {
    const other = await makeCheckout();
    try {
      const ends = await Promise.all([checkout, other].map((each) => each.demo().ended));
      for (const { code, out, err } of ends) {
        expect({ code, err }).toEqual({ code: 0, err: '' });
        expect(out).toMatch(/^demo_code .*100\.0 %$/m);
      }
    } finally {
      await other.remove();
    }
  });

  it(
    'waits for services that are still starting, and leaves them running',
    { timeout: 120_000 },
    async () => {
      const up = checkout.assay('local', 'up');
      while (!existsSync(path.join(checkout.state, 'run/supervisor.json'))) await sleep(10);
      const demo = checkout.demo();
      await demo.said('RUNNING');
      demo.child.kill('SIGINT');
      const { code, out, err } = await demo.ended;
      expect({ code, err }).toEqual({ code: 130, err: '' });
      expect(out).not.toContain('null');
      expect((await up.ended).code).toBe(0);
      expect((await checkout.assay('local', 'status').ended).code).toBe(0);
    },
  );

  it('stops at any moment and goes on from there', { timeout: 180_000 }, async () => {
    for (const moment of ['starting the broker', 'evaluating', 'RUNNING']) {
      const demo = checkout.demo();
      await demo.said(moment);
      demo.child.kill('SIGINT');
      expect(await demo.ended).toMatchObject({ code: 130 });
    }
    await writeFile(path.join(checkout.state, 'demo.json'), '{"ru');
    const { code, out, err } = await checkout.demo().ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('resuming smollm2-135m-instruct');
    for (const task of ['demo_generate', 'demo_choices', 'demo_code'])
      expect(out).toMatch(new RegExp(`^${task} .*100\\.0 %$`, 'm'));
    const reset = await checkout.assay('local', 'reset').ended;
    expect(reset.code).toBe(0);
    expect((await readdir(checkout.state)).toSorted()).toEqual([]);
  });
});

/** The broker and the services, as their supervisor noted them. */
async function running(): Promise<number[]> {
  const run = path.join(checkout.state, 'run');
  const files = (await readdir(run)).filter((name) => name.endsWith('.pid'));
  const texts = await Promise.all(files.map((name) => readFile(path.join(run, name), 'utf8')));
  return texts.flatMap((text) => parseIdentity(text)?.pid ?? []);
}
