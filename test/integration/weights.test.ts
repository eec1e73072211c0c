import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILES, MIB, ONE, TWO, until, WeightsWorld } from './weights-world.ts';

let world: WeightsWorld;
beforeEach(async () => {
  world = await WeightsWorld.open();
});
afterEach(() => world.close());

describe('the weights program', () => {
  it('fetches all that the hub lists, and is done at once when it is there', async () => {
    const first = world.weights();
    expect(await first.ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(await first.words()).toBeNull();
    world.hub.forget();
    expect(await world.weights().ended).toMatchObject({ code: 0 });
    expect(await world.weights({ WEIGHTS_FILES: 'config.json' }).ended).toMatchObject({ code: 0 });
    expect(world.hub.requests).toEqual([]);
  });

  it('fetches what is wanted only, and more when more is wanted', async () => {
    expect(await world.weights({ WEIGHTS_FILES: `${ONE}, config.json` }).ended).toMatchObject({ code: 0 });
    expect((await readdir(path.join(world.folder, 'weights'))).toSorted()).toEqual(['one.gguf']);
    expect(await world.weights().ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(world.sent(ONE)).toBe(4 * MIB);
  });

  it('shows the token to the hub, and to nobody that the hub sends it to', async () => {
    await world.close();
    world = await WeightsWorld.open({ token: 'hf_secret' });
    const run = world.weights({ HUB_TOKEN: 'hf_secret' });
    const { code, out } = await run.ended;
    expect(code).toBe(0);
    await world.expectAll();
    expect(out).not.toContain('hf_secret');
    const seen = world.hub.requests.map(({ route, authorization }) => `${route} ${String(authorization)}`);
    expect(new Set(seen)).toEqual(
      new Set(['list Bearer hf_secret', 'resolve Bearer hf_secret', 'elsewhere null']),
    );
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('goes on after %s and asks for nothing twice', async (signal) => {
    world.holdFirst();
    const run = world.weights();
    await world.halfThere();
    expect(await run.progress()).toEqual({
      bytes: 2 * MIB + 8,
      totalBytes: 6 * MIB + 8,
      files: 1,
      lastGrowth: expect.stringMatching(/^\d{4}-.*Z$/),
      detail: `fetches ${ONE}`,
    });
    run.child.kill(signal);
    expect((await run.ended).code).toBe(signal === 'SIGTERM' ? 143 : null);
    world.hub.forget();
    expect(await world.weights().ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(world.bodies(ONE).map(({ range }) => range)).toEqual([`bytes=${2 * MIB}-`]);
    expect(world.sent(ONE)).toBe(2 * MIB);
  });

  it('goes on within one run when it is cut off', async () => {
    let cuts = 0;
    world.hub.fault = ({ name, route }) =>
      name === ONE && route === 'elsewhere' && (cuts += 1) < 4 ? { cutAfter: MIB } : null;
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(world.bodies(ONE)).toHaveLength(4);
    expect(world.sent(ONE)).toBeLessThan(5 * MIB);
  });

  it('begins again when the hub knows no ranges', async () => {
    await mkdir(path.join(world.folder, 'weights'), { recursive: true });
    await writeFile(path.join(world.folder, `${ONE}.part`), FILES[ONE].subarray(0, MIB));
    world.hub.fault = ({ route }) => (route === 'elsewhere' ? { noRanges: true } : null);
    expect(await world.weights().ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(world.sent(ONE)).toBe(4 * MIB);
  });

  it('begins again when what was begun is another file', async () => {
    await mkdir(path.join(world.folder, 'weights'), { recursive: true });
    await writeFile(path.join(world.folder, `${ONE}.part`), Buffer.alloc(MIB));
    await writeFile(path.join(world.folder, TWO), Buffer.alloc(2 * MIB));
    expect(await world.weights().ended).toMatchObject({ code: 0 });
    await world.expectAll();
  });

  it('two at once fetch everything once', async () => {
    const { go } = world.holdFirst();
    const first = world.weights();
    await world.halfThere();
    const second = world.weights();
    const waits = async () => (await second.progress()).detail === `another process fetches ${ONE}`;
    await until('the other waits', waits);
    go();
    expect(await first.ended).toMatchObject({ code: 0 });
    expect(await second.ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(world.sent(ONE) + world.sent(TWO)).toBe(6 * MIB);
  });

  it('one that was stopped and wakes up does not harm the one that took over', async () => {
    const { go } = world.holdFirst();
    const first = world.weights();
    await world.halfThere();
    first.child.kill('SIGSTOP');
    const second = world.weights();
    await until('the other has taken over', async () => world.bodies(ONE).length === 2);
    go();
    first.child.kill('SIGCONT');
    expect(await second.ended).toMatchObject({ code: 0 });
    expect(await first.ended).toMatchObject({ code: 0 });
    await world.expectAll();
    expect(world.bodies(ONE).map(({ range }) => range)).toEqual([null, `bytes=${2 * MIB}-`]);
  });
});

describe('the watch program', () => {
  it('holds back until the weights are complete, and says how the cache grows', async () => {
    const cache = path.join(world.root, 'cache');
    await mkdir(path.join(cache, 'deep'), { recursive: true });
    await writeFile(path.join(cache, 'old'), Buffer.alloc(10));
    const run = world.watch({ WATCH_WEIGHTS: world.folder, WATCH_CACHE: cache });
    expect(await run.get('/started')).toMatchObject({ status: 503 });
    expect(await run.progress()).toMatchObject({ bytes: 10, totalBytes: null, files: 1, lastGrowth: null });
    await world.weights().ended;
    expect(await run.get('/started')).toMatchObject({ status: 200 });
    await writeFile(path.join(cache, 'deep/new'), Buffer.alloc(5));
    await until('the growth is seen', async () => (await run.progress()).bytes === 15);
    const { files, lastGrowth } = await run.progress();
    expect(files).toBe(2);
    expect(Date.now() - Date.parse(lastGrowth ?? '')).toBeLessThan(30_000);
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 0 });
  });

  it('waits for nothing and measures nothing when it is told to do neither', async () => {
    const run = world.watch({ WATCH_WEIGHTS: '', WATCH_CACHE: '' });
    expect(await run.get('/started')).toMatchObject({ status: 200 });
    expect(await run.progress()).toMatchObject({ bytes: 0, files: 0 });
    expect(await run.get('/other')).toMatchObject({ status: 404 });
  });

  it('names a wrong setting', async () => {
    const run = world.watch({ PROGRESS_PORT: 'many', WATCH_CACHES: '/c' });
    expect(await run.ended).toMatchObject({ code: 2 });
    const { message } = (await run.words()) ?? {};
    for (const name of ['PROGRESS_PORT', 'WATCH_CACHES']) expect(message).toContain(`ASSAY_${name}`);
  });
});
