import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecSide } from './exec-side.ts';

let folder: string;
let path: string;
let server: Server | null;
const never = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-exec-'));
  path = join(folder, 'exec.sock');
  server = null;
});
afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

/** Listens as the exec container does; gives each connection to `serve`. */
async function listen(serve: (socket: Socket) => void = () => undefined): Promise<void> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
}

function user() {
  const heard = { bytes: '', ends: [] as string[] };
  return {
    heard,
    read: (chunk: Buffer) => void (heard.bytes += chunk.toString()),
    ended: (how: string) => void heard.ends.push(how),
  };
}

describe('ExecSide', () => {
  it('is a channel: bytes there and back, and one end', async () => {
    await listen((socket) => void socket.on('data', (chunk) => socket.end(`got ${chunk.toString()}`)));
    const exec = new ExecSide(path);
    const { heard, ...rest } = user();
    const channel = await exec.open(rest, never);
    channel.write(Buffer.from('a job'));
    await channel.closed();
    expect(heard.bytes).toBe('got a job');
    expect(heard.ends).toEqual(['the exec side closed the connection; its log says why']);
    expect(exec.isAway).toBe(true);
  });

  it('is there as soon as a process speaks, and away when it only dies', async () => {
    let speaks = false;
    await listen((socket) => void (speaks ? socket.write('hello') : socket.end()));
    const exec = new ExecSide(path);
    expect(await exec.whyAway()).toBe('the exec side closed a connection; its log says why');
    speaks = true;
    expect(await exec.whyAway()).toBeNull();
  });

  it('is not away when we end a connection', async () => {
    await listen((socket) => void socket.write('hello'));
    const exec = new ExecSide(path);
    const { promise: hello, resolve: read } = Promise.withResolvers<void>();
    const channel = await exec.open({ read: () => read(), ended: () => undefined }, never);
    await hello;
    channel.kill();
    await channel.closed();
    expect(exec.isAway).toBe(false);
  });

  it('waits for a container that is not there yet, and says so', async () => {
    const exec = new ExecSide(path);
    const opened = exec.open(user(), never);
    expect(await exec.whyAway()).toContain('ENOENT');
    await listen((socket) => void socket.write('hello'));
    (await opened).kill();
    expect(await exec.whyAway()).toBeNull();
  });

  it('gives up after its patience, or at once when nobody wants it any more', async () => {
    const gaveUp = new ExecSide(path, 20).open(user(), never);
    await expect(gaveUp).rejects.toMatchObject({ reason: 'UNAVAILABLE', permanent: false });
    const stop = new AbortController();
    const stopped = new ExecSide(path).open(user(), stop.signal);
    await sleep(10);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
  });
});
