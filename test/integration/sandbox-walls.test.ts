import { execFile as execFileCallback } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { call, connectRpc } from '@assay/lib/rpc';
import { SandboxServiceClient } from '@assay/proto/assay/v1/sandbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENT, execIsPossible, execProcess } from '../support/exec-side/exec-process.ts';
import { processes } from '../support/exec-side/processes.ts';
import { CODE, codeDoc, generation } from './sandbox-builders.ts';
import { Stage } from './sandbox-support.ts';

const execFile = promisify(execFileCallback);

interface Row {
  readonly from: string;
  readonly target: string;
  readonly tried: string;
  readonly outcome: string;
}

const RIGHT = 'def add(a, b):\n    return a + b';
const SLOW = `import time\ntime.sleep(0.3)\n${RIGHT}`;
const isPossible = await execIsPossible('a sandbox as the two containers of a pod');

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => await stage.close());

/** Something that listens on this machine until it is closed. */
async function target() {
  const server = createServer((socket) => void socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => await new Promise((resolve) => server.close(() => resolve()));
  return { address: `127.0.0.1:${port}`, port, close };
}

async function until(says: () => Promise<string>, text: string): Promise<string> {
  let said = '';
  for (let tries = 0; tries < 300; tries += 1) {
    said = await says().catch(String);
    if (said.includes(text)) return said;
    await sleep(50);
  }
  throw new Error(`never said "${text}" but "${said}"`);
}

function tableOf(file: string): Row[] {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Stores answers to code and gives their verdicts, once there are as many. */
async function verdicts(job: string, texts: readonly string[]): Promise<(string | undefined)[]> {
  const docs = await stage.putDocs(
    job,
    CODE,
    texts.map((_, doc) => codeDoc(doc)),
  );
  await stage.store(...texts.map((text, doc) => generation({ job, doc, docs, kind: 'execute' }, text)));
  const scores = await stage.scores(job, texts.length);
  return scores.map(({ outcome }) =>
    'status' in outcome && outcome.status === 'scored' ? outcome.verdict?.status : JSON.stringify(outcome),
  );
}

describe('a sandbox behind walls', () => {
  it('takes no work while something answers that must not, and then does', async () => {
    const late = await target();
    const file = join(stage.folder, 'walls.json');
    const sandbox = await stage.sandbox({
      ASSAY_WALLS: 'enforced',
      ASSAY_WALL_TARGETS: late.address,
      ASSAY_WALLS_FILE: file,
    });
    const docs = await stage.putDocs('early', CODE, [codeDoc(0)]);
    await stage.store(generation({ job: 'early', doc: 0, docs, kind: 'execute' }, RIGHT));
    const said = await until(async () => await sandbox.ready(), 'reached');
    expect(said).toBe(`not ready: this pod reached what it must not: ${late.address} (connect)\n`);
    const client = connectRpc(SandboxServiceClient, sandbox.addresses.rpc);
    const request = {
      source: '1',
      stdin: Buffer.alloc(0),
      cpuMs: 0,
      wallMs: 0,
      memoryBytes: 0n,
      outputBytes: 0n,
    };
    await expect(call(client, 'execute', request, { deadlineMs: 2_000 })).rejects.toMatchObject({
      reason: 'UNAVAILABLE',
    });
    client.close();
    expect(await stage.scores('early', 0)).toEqual([]);

    await late.close();
    expect(await stage.scores('early', 1)).toMatchObject([{ outcome: { verdict: { status: 'AC' } } }]);
    expect(await sandbox.ready()).toBe('ready\n');
    const table = tableOf(file);
    expect(table.filter(({ outcome }) => outcome === 'reached')).toEqual([]);
    expect(table.filter(({ from }) => from === 'pod')).toMatchObject([
      { target: late.address, outcome: 'ECONNREFUSED' },
    ]);
    const broker = table.filter(({ from, target }) => from === 'submission' && target === stage.broker);
    expect(broker).toMatchObject(
      ['connect', 'datagram', 'system call', 'connect of a pair'].map((tried) => ({
        tried,
        outcome: 'EPERM',
      })),
    );
    expect(await sandbox.end('SIGTERM')).toBe(0);
  });
});

it('what tries the walls gets through where there is none', async () => {
  const open = await target();
  const home = join(import.meta.dirname, '../..');
  const given = {
    addresses: [{ host: '127.0.0.1', port: open.port }],
    names: ['localhost'],
    resolvers: [],
    sockets: [],
    paths: ['/etc/passwd', '/tmp'],
  };
  const attempts = execFile('python3', ['-S', join(home, 'services/sandbox/walls/attempts.py')], {
    env: { PATH: process.env['PATH'] ?? '', PYTHONPATH: join(home, 'lib/python/jail') },
  });
  attempts.child.stdin?.end(JSON.stringify(given));
  const rows: Row[] = JSON.parse((await attempts).stdout);
  await open.close();
  const reached = rows.filter(({ outcome }) => outcome === 'reached');
  expect(reached.map(({ target, tried }) => `${target}: ${tried}`)).toEqual(
    expect.arrayContaining([
      `${open.address}: connect`,
      `${open.address}: datagram`,
      `${open.address}: system call`,
      'localhost: look up',
      '/etc/passwd: read',
      '/tmp: read',
      'environment: read',
      'another process: fork',
      'another process: system call',
      'another program: execute',
      'parent process: trace',
      'parent process: signal',
      'parent process: limit',
    ]),
  );
});

describe.skipIf(!isPossible)('a sandbox of two containers', () => {
  it('waits for the other, is walled off from it, and loses nothing when it is killed', async () => {
    const free = await target();
    await free.close();
    const exec = await execProcess({ start: false });
    const file = join(stage.folder, 'walls-of-two.json');
    const starting = stage.sandbox(
      {
        ASSAY_EXEC_SOCKET: exec.socket,
        ASSAY_OPS_PORT: String(free.port),
        ASSAY_SLOTS: '2',
        ASSAY_WALLS: 'enforced',
        ASSAY_WALL_TARGETS: '127.0.0.1:1',
        ASSAY_WALLS_FILE: file,
      },
      AGENT,
    );
    const ready = async () => await (await fetch(`http://127.0.0.1:${free.port}/readyz`)).text();
    const said = await until(ready, 'exec side');
    expect(said).toBe(`not ready: the exec side is not there: connect ENOENT ${exec.socket}\n`);

    await exec.start();
    const sandbox = await starting;
    await until(ready, 'ready\n');
    expect(processes().find(({ pid }) => pid === sandbox.pid)?.uid).toBe(AGENT.uid);
    expect(await verdicts('two', [RIGHT, 'def add(a, b):\n    return 0'])).toEqual(['AC', 'WA']);
    const socket = tableOf(file).filter(({ target }) => target === exec.socket);
    expect(socket.map(({ tried, outcome }) => `${tried}: ${outcome}`)).toEqual([
      'connect: EPERM',
      'system call: EPERM',
      'connect of a pair: EPERM',
      'datagram of a pair: EPERM',
      'open: EACCES',
    ]);

    const many = verdicts(
      'killed',
      Array.from({ length: 12 }, () => SLOW),
    );
    await sleep(500);
    await exec.end('SIGKILL');
    await until(ready, 'exec side');
    await exec.start();
    expect(await many).toEqual(Array.from({ length: 12 }, () => 'AC'));
    await until(ready, 'ready\n');
    expect(await sandbox.end('SIGTERM')).toBe(0);
    await exec.close();
  });
});
