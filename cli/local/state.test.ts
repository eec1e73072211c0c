import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layoutOf, type Layout } from './layout.ts';
import { openState } from './state.ts';

let layout: Layout;
const listening: Server[] = [];

beforeEach(async () => {
  layout = layoutOf(await mkdtemp(path.join(tmpdir(), 'assay-state-')));
});

afterEach(async () => {
  for (const server of listening.splice(0)) await new Promise((resolve) => server.close(resolve));
  await rm(layout.root, { recursive: true });
});

function listen(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    listening.push(server);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

describe('the state folder', () => {
  it('keeps its token and its ports as long as they are free', async () => {
    const first = await openState(layout);
    expect(new Set(Object.values(first.ports)).size).toBe(3);
    expect(await openState(layout)).toEqual(first);
  });

  it('gives another port for one that is taken, and tells the command line', async () => {
    const { ports, token } = await openState(layout);
    await listen(ports.scheduler);
    const now = await openState(layout);
    expect(now).toEqual({ token, ports: { ...ports, scheduler: expect.any(Number) } });
    expect(now.ports.scheduler).not.toBe(ports.scheduler);
    expect(JSON.parse(await readFile(layout.clientFile, 'utf8'))).toEqual({
      scheduler: `127.0.0.1:${now.ports.scheduler}`,
      reporter: `127.0.0.1:${now.ports.reporter}`,
      token,
    });
  });

  it.each(['', '{"nats', '{"nats": 99999999, "scheduler": -1, "reporter": 1.5}', '[]', 'null'])(
    'takes what it can of ports that are noted as %j',
    async (text) => {
      await writeFile(layout.portsFile, text);
      for (const port of Object.values((await openState(layout)).ports))
        expect(await listen(port)).toBe(port);
    },
  );

  it('of another version is refused with a word about reset', async () => {
    await writeFile(layout.versionFile, '0\n');
    await expect(openState(layout)).rejects.toThrow(/state version 0.*`assay local reset`/);
  });
});
