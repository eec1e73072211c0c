import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
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
});

/** The broker and the services, as their supervisor noted them. */
async function running(): Promise<number[]> {
  const run = path.join(checkout.state, 'run');
  const files = (await readdir(run)).filter((name) => name.endsWith('.pid'));
  const texts = await Promise.all(files.map((name) => readFile(path.join(run, name), 'utf8')));
  return texts.flatMap((text) => parseIdentity(text)?.pid ?? []);
}
