import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { passing, type AssayError } from '../errors.ts';
import { openForward, type Dial, type Forward } from './forward.ts';

const open: Forward[] = [];
afterEach(() => {
  for (const forward of open.splice(0)) forward.close();
});

async function forwardOf(dial: Dial): Promise<Forward> {
  const forward = await openForward(dial);
  open.push(forward);
  return forward;
}

async function connect({ address }: Forward): Promise<Socket> {
  const socket = connectSocket(Number(address.split(':')[1]), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A far side that answers each text with its number and the text. */
function pods() {
  const world = { dialled: 0, closed: 0, cut: (_?: AssayError): void => undefined };
  const dial: Dial = async (socket, gone) => {
    world.dialled += 1;
    const pod = world.dialled;
    world.cut = gone;
    socket.on('data', (data: Buffer) => socket.write(`pod ${pod}: ${data.toString()}`));
    return { close: () => void (world.closed += 1) };
  };
  return { world, dial };
}

async function said(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}

describe('a forward', () => {
  it('dials for each connection, and lets go what its caller lets go', async () => {
    const { world, dial } = pods();
    const forward = await forwardOf(dial);
    expect(forward.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const [first, second] = [await connect(forward), await connect(forward)];
    expect(await said(first, 'a')).toBe('pod 1: a');
    expect(await said(second, 'b')).toBe('pod 2: b');
    first.destroy();
    await expect.poll(() => world.closed).toBe(1);
    expect(await said(second, 'c')).toBe('pod 2: c');
  });

  it('cuts a connection whose far side is gone, says why, and dials the next anew', async () => {
    const { world, dial } = pods();
    const forward = await forwardOf(dial);
    const socket = await connect(forward);
    await said(socket, 'a');
    const cut = once(socket, 'close');
    world.cut(passing('UNAVAILABLE', 'the pod is gone'));
    await cut;
    expect(forward.fault()).toMatchObject({ message: 'the pod is gone' });
    expect(await said(await connect(forward), 'b')).toBe('pod 2: b');
    expect(forward.fault()).toBeNull();
  });

  it('keeps what was sent before the far side was there', async () => {
    const ready = Promise.withResolvers<void>();
    const { dial } = pods();
    const forward = await forwardOf(async (socket, gone) => {
      await ready.promise;
      return dial(socket, gone);
    });
    const socket = await connect(forward);
    const answer = said(socket, 'early');
    setTimeout(() => ready.resolve(), 20);
    expect(await answer).toBe('pod 1: early');
  });

  it('says why the far side cannot be reached', async () => {
    const forward = await forwardOf(() => Promise.reject(passing('UNAVAILABLE', 'no pod is ready')));
    const socket = await connect(forward);
    if (!socket.closed) await once(socket, 'close');
    expect(forward.fault()).toMatchObject({ reason: 'UNAVAILABLE', message: 'no pod is ready' });
  });
});
