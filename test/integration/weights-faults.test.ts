import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { smallDisk } from '../support/small-disk.ts';
import { MIB, ONE, until, WeightsWorld } from './weights-world.ts';

let world: WeightsWorld;
beforeEach(async () => {
  world = await WeightsWorld.open();
});
afterEach(() => world.close());

describe('the weights program, when something is wrong', () => {
  it('gives up a file that is wrong twice', async () => {
    world.hub.fault = ({ name, route }) => (name === ONE && route === 'elsewhere' ? { spoiled: true } : null);
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toEqual({
      reason: 'WEIGHTS_CORRUPT',
      message: expect.stringContaining(`${ONE} has the hash`),
    });
    expect(world.bodies(ONE)).toHaveLength(2);
    expect(await readdir(path.join(world.folder, 'weights'))).toEqual([]);
    expect(existsSync(path.join(world.folder, '.complete.json'))).toBe(false);
  });

  it('checks a hash that only the file itself bears', async () => {
    world.hub.said = { [ONE]: { sha256: null } };
    world.hub.fault = ({ name, route }) => (name === ONE && route === 'elsewhere' ? { spoiled: true } : null);
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toMatchObject({ reason: 'WEIGHTS_CORRUPT' });
  });

  it('takes no file whose size is not the one of the list', async () => {
    world.hub.said = { [ONE]: { size: 3 * MIB } };
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toEqual({
      reason: 'WEIGHTS_CORRUPT',
      message: `${ONE} has ${4 * MIB} bytes, and the hub's list says ${3 * MIB}`,
    });
  });

  it('takes no path that leaves the folder', async () => {
    world.hub.said = { [ONE]: { name: '../../one.gguf' } };
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toMatchObject({ reason: 'WEIGHTS_CORRUPT' });
    expect(existsSync(path.join(world.root, 'one.gguf'))).toBe(false);
  });

  it.each([
    [401, 'WEIGHTS_FORBIDDEN', 'list'],
    [403, 'WEIGHTS_FORBIDDEN', 'resolve'],
    [404, 'WEIGHTS_NOT_FOUND', 'list'],
    [404, 'WEIGHTS_NOT_FOUND', 'resolve'],
  ])('ends at once when the hub answers %d: %s for the %s', async (status, reason, route) => {
    world.hub.fault = (request) => (request.route === route ? { status } : null);
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toEqual({ reason, message: expect.stringContaining(`answers ${status} for`) });
  });

  it('names the file that the repository does not have', async () => {
    const run = world.weights({ WEIGHTS_FILES: 'none.gguf,config.json' });
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toEqual({
      reason: 'WEIGHTS_NOT_FOUND',
      message: 'the repository has no file none.gguf',
    });
  });

  it('tries again what passes: 500, 429, a silent hub, one that ends in silence, an address that expired', async () => {
    const faults = [
      { route: 'list', status: 500 },
      { route: 'list', status: 429, headers: { 'retry-after': '1' } },
      { route: 'resolve', silent: true },
      { route: 'elsewhere', status: 403 },
      { route: 'elsewhere', silentAfter: MIB },
    ];
    world.hub.fault = ({ route }) => (faults[0]?.route === route ? (faults.shift() ?? null) : null);
    const run = world.weights({ WEIGHTS_SILENCE: '2s' });
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(faults).toEqual([]);
    await world.expectAll();
    expect(world.sent(ONE)).toBe(4 * MIB);
  });

  it('gives up a hub that is not there, after its patience', async () => {
    const run = world.weights({ WEIGHTS_HUB: 'http://127.0.0.1:9', WEIGHTS_PATIENCE: '1s' });
    await until('it says what it waits for', async () =>
      (await run.progress()).detail.endsWith('tried again'),
    );
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toMatchObject({ reason: 'WEIGHTS_HUB_UNREACHABLE' });
  });

  it('says that a folder cannot be used', async () => {
    await writeFile(path.join(world.root, 'volume'), 'no folder');
    const run = world.weights();
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toEqual({
      reason: 'INTERNAL',
      message: expect.stringMatching(/^.* cannot be used: E/),
    });
  });

  it('names every wrong setting', async () => {
    const run = world.weights({ WEIGHTS_HUB: 'hub', WEIGHTS_REPO: 'a/b/c', WEIGHTS_BYTES: 'much' });
    expect(await run.ended).toMatchObject({ code: 2 });
    const { message } = (await run.words()) ?? {};
    for (const name of ['HUB', 'REPO', 'BYTES']) expect(message).toContain(`ASSAY_WEIGHTS_${name} must be`);
  });
});

describe('a volume without room', () => {
  it('is told before anything is fetched, and while it fills up, with needed and free bytes', async () => {
    const disk = await smallDisk(path.join(world.root, 'volume'), 5 * MIB);
    if (disk === null) return;
    try {
      const early = world.weights();
      expect(await early.ended).toMatchObject({ code: 2 });
      const message = expect.stringMatching(
        new RegExp(`^${6 * MIB + 8} bytes more are needed in .*, and \\d+ are free$`),
      );
      expect(await early.words()).toEqual({ reason: 'WEIGHTS_NO_SPACE', message });
      expect(world.hub.requests.map(({ route }) => route)).toEqual(['list']);

      const { go } = world.holdFirst();
      const late = world.weights({ WEIGHTS_FILES: ONE });
      await world.halfThere();
      await disk.fill();
      go();
      expect(await late.ended).toMatchObject({ code: 2 });
      expect(await late.words()).toEqual({
        reason: 'WEIGHTS_NO_SPACE',
        message: expect.stringMatching(/^\d+ bytes more are needed in .*, and 0 are free$/),
      });
      await disk.free();
      expect(await world.partBytes()).toBeGreaterThanOrEqual(2 * MIB);
      expect(await world.weights({ WEIGHTS_FILES: ONE }).ended).toMatchObject({ code: 0 });
    } finally {
      await disk.unmount();
    }
  });

  it('is told when all is said to need more than the list says', async () => {
    const run = world.weights({ WEIGHTS_BYTES: '900000TiB' });
    expect(await run.ended).toMatchObject({ code: 2 });
    expect(await run.words()).toMatchObject({ reason: 'WEIGHTS_NO_SPACE' });
  });
});
