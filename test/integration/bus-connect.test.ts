import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectBus } from '@assay/lib/bus';
import { startNats, type NatsServer } from '../support/nats.ts';
import { connectTo, generation, LIMITS, log } from './bus-fixture.ts';

let server: NatsServer;

beforeEach(async () => {
  server = await startNats({ token: 'a "secret" with spaces' });
});

afterEach(() => server.stop());

describe('connectBus', () => {
  test.each([undefined, 'wrong'])('is refused with the token %s, and says so', async (token) => {
    const options = { url: server.url, name: 'test', log, ...(token !== undefined && { token }) };
    await expect(connectBus(options)).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
      permanent: true,
      message: expect.stringContaining('refuses the token'),
    });
  });

  test('waits for a broker that is not there yet', async () => {
    await server.kill();
    const connecting = connectTo(server);
    await server.restart();
    const bus = await connecting;
    expect(bus.healthy()).toBe(true);
    await bus.close();
  });

  test('gives up when it is told to', async () => {
    await server.kill();
    const options = { url: server.url, name: 'test', log, signal: AbortSignal.timeout(300) };
    await expect(connectBus(options)).rejects.toMatchObject({
      reason: 'BROKER_UNAVAILABLE',
      permanent: false,
    });
  });
});

describe('a bus', () => {
  test('is unhealthy while its broker is away', async () => {
    const bus = await connectTo(server);
    await server.kill();
    await expect.poll(() => bus.healthy()).toBe(false);
    await server.restart();
    await expect.poll(() => bus.healthy(), { timeout: 10_000 }).toBe(true);
    await bus.close();
    expect(bus.healthy()).toBe(false);
  });

  test('is ready when somebody has made its streams, and not before', async () => {
    const [worker, scheduler] = [await connectTo(server), await connectTo(server)];
    let ready = false;
    const waiting = worker.ready('p0', new AbortController().signal).then(() => (ready = true));
    await expect(worker.ready('p0', AbortSignal.timeout(500))).rejects.toThrow();
    expect(ready).toBe(false);
    await scheduler.ensure('p0', LIMITS);
    await waiting;
    await Promise.all([worker.close(), scheduler.close()]);
  });

  test('says in words that a stream asks for more than the broker may store, new or grown', async () => {
    const bus = await connectTo(server);
    const wrong = expect.objectContaining({
      reason: 'LEDGER_FULL',
      message: expect.stringContaining('max_file_store is smaller'),
    });
    const tooLarge = { ...LIMITS, generationsBytes: 2 ** 50 };
    await expect(bus.ensure('p0', tooLarge)).rejects.toEqual(wrong);
    await bus.ensure('p0', LIMITS);
    await expect(bus.ensure('p0', tooLarge)).rejects.toEqual(wrong);
    await bus.close();
  });

  test('ensures what is there already, and changes its limits', async () => {
    const bus = await connectTo(server);
    await bus.ensure('p0', LIMITS);
    await bus.scores('p0').usage();
    await bus.generations('p0').store(generation());
    await bus.ensure('p0', { ...LIMITS, generationsBytes: 1_000_000 });
    expect(await bus.generations('p0').usage()).toMatchObject({ messages: 1, maxBytes: 1_000_000 });
    await bus.close();
  });

  test('sends what was published before it closes', async () => {
    const [bus, other] = [await connectTo(server), await connectTo(server)];
    await bus.ensure('p0', LIMITS);
    const stores = Array.from({ length: 500 }, (_, doc) => bus.generations('p0').store(generation({ doc })));
    await bus.close();
    expect(new Set(await Promise.all(stores))).toEqual(new Set(['stored']));
    expect(await other.generations('p0').usage()).toMatchObject({ messages: 500 });
    await other.close();
    await bus.close();
  });
});

test('the token is no argument of the broker', async () => {
  const commandLine = await readFile(`/proc/${String(server.pid)}/cmdline`, 'utf8');
  expect(commandLine).toContain('nats.conf');
  expect(commandLine).not.toContain('secret');
});
