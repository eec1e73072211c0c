import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { identityOf } from './process-identity.ts';
import { whenReady } from './up.ts';

let state = '';
const server = createServer((_, response) => response.writeHead(503).end('no broker at nats://h:1\n'));

beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'assay-up-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(state, { recursive: true });
});

it('what does not become ready is named with what it says of itself', async () => {
  const { port } = server.address() as AddressInfo;
  await mkdir(path.join(state, 'run'));
  await writeFile(path.join(state, 'run/supervisor.json'), JSON.stringify(await identityOf(process.pid)));
  await writeFile(path.join(state, 'run/runner.json'), JSON.stringify({ ops: `127.0.0.1:${port}` }));
  await expect(whenReady(state, new AbortController().signal, 1)).rejects.toThrow(
    'scheduler: does not run; runner: no broker at nats://h:1; sandbox: does not run',
  );
});
