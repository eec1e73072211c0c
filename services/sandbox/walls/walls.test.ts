import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@assay/lib/clock';
import { afterEach, describe, expect, it } from 'vitest';
import { silent } from '../testing/builders.ts';
import { wallsHere } from './here.ts';
import { tryFromPod } from './pod.ts';
import type { Row } from './table.ts';
import { forbiddenTo } from './targets.ts';
import { Walls } from './walls.ts';

const never = new AbortController().signal;
const row = (from: Row['from'], outcome: string): Row => ({ from, target: 'a:1', tried: 'connect', outcome });
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Walls whose tries end as they are given, one after the other. */
function walls(pod: string[], submission: (string | Error)[]) {
  const clock = manualClock();
  const published: (readonly Row[])[] = [];
  const made = new Walls({
    fromPod: async () => [row('pod', pod.shift() ?? 'timed out')],
    fromSubmission: async () => {
      const outcome = submission.shift() ?? 'EPERM';
      if (outcome instanceof Error) throw outcome;
      return [row('submission', outcome)];
    },
    publish: async (table) => void published.push(table),
    log: silent,
    clock,
  });
  return { made, clock, published };
}

const turns = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

describe('Walls', () => {
  it('hold when nothing is reached, and then publish every try once', async () => {
    const { made, published } = walls([], []);
    expect(made.why).toBe('the walls are not tried yet');
    await made.hold(never);
    expect(made.why).toBeNull();
    expect(published).toEqual([[row('pod', 'timed out'), row('submission', 'EPERM')]]);
  });

  it('are tried again until they hold, and say meanwhile what was reached', async () => {
    const { made, clock, published } = walls(['reached'], ['reached', new Error('no Python')]);
    const holding = made.hold(never);
    const said: (string | null)[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      await turns();
      said.push(made.why);
      await clock.advance(1_000);
    }
    await holding;
    expect(said).toEqual([
      'this pod reached what it must not: a:1 (connect)',
      'a submission reached what it must not: a:1 (connect)',
      'the walls cannot be tried: no Python',
      null,
    ]);
    expect(published).toHaveLength(1);
  });

  it('do not try a submission before the pod is walled in', async () => {
    const { made, clock } = walls(['reached'], [new Error('was run')]);
    const stop = new AbortController();
    const holding = made.hold(stop.signal);
    await turns();
    expect(made.why).toContain('this pod reached');
    stop.abort();
    await clock.advance(0);
    await holding;
    expect(made.why).toContain('this pod reached');
  });
});

describe('tryFromPod', () => {
  it('tells what answers from what does not', async () => {
    const server = createServer((socket) => void socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
    const targets = [
      { host: '127.0.0.1', port },
      { host: '127.0.0.1', port: 1 },
    ];
    expect(await tryFromPod(targets, 1_000)).toEqual([
      { from: 'pod', target: `127.0.0.1:${port}`, tried: 'connect', outcome: 'reached' },
      { from: 'pod', target: '127.0.0.1:1', tried: 'connect', outcome: 'ECONNREFUSED' },
    ]);
  });
});

describe('forbiddenTo', () => {
  const forbidden = forbiddenTo({
    targets: [{ host: 'kubernetes.default.svc', port: 443 }],
    natsUrl: 'nats://broker:4333,nats://[fd00::1]',
    resolvers: ['10.96.0.10', '[fd00::a]:5353'],
    own: ['0.0.0.0:9090', '0.0.0.0:9091'],
    interfaces: ['10.0.0.7'],
    execSocket: '/run/assay/exec.sock',
    paths: ['/blobs', undefined],
  });

  it('is all that the pod must not reach, and broker, metadata, name servers and ourselves besides', () => {
    expect(forbidden.addresses.map(({ host, port }) => `${host} ${port}`)).toEqual([
      'kubernetes.default.svc 443',
      '169.254.169.254 80',
      'broker 4333',
      'fd00::1 4222',
      '127.0.0.1 9090',
      '127.0.0.1 9091',
      '::1 9090',
      '::1 9091',
      '10.0.0.7 9090',
      '10.0.0.7 9091',
    ]);
    expect(forbidden.names).toEqual(['kubernetes.default.svc', 'broker']);
    expect(forbidden.resolvers).toEqual(['10.96.0.10', 'fd00::a']);
  });

  it('is the exec socket, the service account and what else lies about', () => {
    expect(forbidden.sockets).toEqual(['/run/assay/exec.sock']);
    expect(forbidden.paths).toEqual(
      expect.arrayContaining([
        '/run/assay/',
        '/blobs',
        '/proc/1/environ',
        '/var/run/secrets/kubernetes.io/serviceaccount/token',
      ]),
    );
  });
});

describe('wallsHere', () => {
  const verdict = { detail: '', stderr: new Uint8Array(), cpuMs: 1, wallMs: 1, maxRssBytes: 1, attempts: 1 };

  /** A submission that says that it tried everything it was given. */
  const jail = (outcome: string, leaveOut = 0) => ({
    run: async ({ stdin }: { stdin?: Uint8Array }) => {
      const { addresses, names, resolvers, sockets, paths } = JSON.parse(
        Buffer.from(stdin ?? []).toString(),
      ) as ReturnType<typeof forbiddenTo>;
      const targets = [
        ...addresses.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
        ...names,
        ...resolvers,
        ...sockets,
        ...paths,
        'environment',
        'descriptors',
        'another process',
        'process 1',
        'parent process',
      ];
      const rows = targets.slice(leaveOut).map((target) => ({ target, tried: 'x', outcome }));
      return { ...verdict, status: 'OK' as const, stdout: Buffer.from(JSON.stringify(rows)) };
    },
  });
  const here = {
    targets: [{ host: '127.0.0.1', port: 1 }],
    natsUrl: 'nats://127.0.0.1:2',
    own: ['127.0.0.1:3'],
    execSocket: undefined,
    paths: [],
    log: silent,
  };

  it('writes the table into its file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-walls-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'walls.json');
    await wallsHere({ ...here, jail: jail('EPERM'), file }).hold(never);
    const table: Row[] = JSON.parse(readFileSync(file, 'utf8'));
    expect(table[0]).toEqual({
      from: 'pod',
      target: '127.0.0.1:1',
      tried: 'connect',
      outcome: 'ECONNREFUSED',
    });
    expect(table.filter(({ from }) => from === 'submission').length).toBeGreaterThan(10);
  });

  it('does not hold when something was left out', async () => {
    const walls = wallsHere({ ...here, jail: jail('EPERM', 1), file: undefined });
    const stop = new AbortController();
    const holding = walls.hold(stop.signal);
    while (walls.why === 'the walls are not tried yet') await turns();
    stop.abort();
    await holding;
    expect(walls.why).toBe('the walls cannot be tried: the submission did not try 127.0.0.1:1');
  });
});
