import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ExecSide, openJailAt, type Jail, type Limits } from '@assay/lib/python';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AGENT,
  EXEC,
  execIsPossible,
  execProcess,
  type ExecProcess,
} from '../support/exec-side/exec-process.ts';
import { descendantsOf, processes, zygotesOf } from '../support/exec-side/processes.ts';
import { ATTACKS, attackOn } from './sandbox-exec-attacks.ts';

const run = promisify(execFile);
const LIMITS: Limits = { cpuMs: 2_000, wallMs: 10_000, memoryBytes: 512 << 20, outputBytes: 64 << 10 };
const never = new AbortController().signal;
const isPossible = await execIsPossible('agent and exec as two users');

describe.skipIf(!isPossible)('the exec container', () => {
  let exec: ExecProcess;
  let side: ExecSide;
  let jail: Jail;

  beforeAll(async () => {
    exec = await execProcess();
    side = new ExecSide(exec.socket);
    jail = await openJailAt(side, 2, never);
  });
  afterAll(async () => {
    await jail?.close();
    await exec?.close();
  });

  const program = async (source: string) => await jail.run({ source, limits: LIMITS });

  it('reaches tier 1 where there are no namespaces, as the first process of its own', () => {
    expect(jail.report).toMatchObject({ tier: 1, seccomp: true, namespaces: [], allowed: [] });
    expect(jail.report.interpreter).toBe(exec.socket);
  });

  it('is open to the group of the agent, and to nobody else', async () => {
    const { mode, uid, gid } = statSync(exec.socket);
    expect([(mode & 0o777).toString(8), uid, gid]).toEqual(['660', EXEC.uid, AGENT.gid]);
    const ask = `import socket
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(${JSON.stringify(exec.socket)})
    print('a zygote' if s.recv(1) else 'closed')
except OSError as error:
    print(type(error).__name__)`;
    const as = async (user: { readonly uid: number; readonly gid: number }) =>
      (await run(exec.python, ['-S', '-c', ask], user)).stdout.trim();
    expect(await as(AGENT)).toBe('a zygote');
    expect(await as({ uid: 10_003, gid: 10_003 })).toBe('PermissionError');
    expect(await as(EXEC)).toBe('closed'); // as a submission would come, had it a way
  });

  it.for(ATTACKS)('a submission cannot $name', async ({ attempt }) => {
    const { status, stdout, stderr } = await program(attackOn(exec.socket, attempt));
    expect(`${status} ${Buffer.from(stderr).toString()}`).toBe('OK ');
    expect(Buffer.from(stdout).toString()).toMatch(/^refused: \w+\n$/);
  });

  it('a submission does not disturb its neighbour', async () => {
    const neighbour = program('import time\nsecret = "x" * 9\ntime.sleep(1.5)\nprint(len(secret))');
    await sleep(300);
    const hostile = await program(`import os, signal
reached = []
for pid in [-1, *range(1, 400)]:
    if pid == os.getpid():
        continue
    for attempt in (lambda: os.kill(pid, 9), lambda: open(f'/proc/{pid}/mem', 'rb'), lambda: os.sched_setaffinity(pid, {0})):
        try:
            attempt()
            reached.append(pid)
        except OSError:
            pass
print(reached)`);
    expect(Buffer.from(hostile.stdout).toString()).toBe('[]\n');
    const left = await neighbour;
    expect([left.status, left.attempts, Buffer.from(left.stdout).toString()]).toEqual(['OK', 1, '9\n']);
  });

  it('reaps whatever ends below it', async () => {
    await program('pass');
    const zygotes = zygotesOf(exec.pid);
    expect(zygotes.length).toBeGreaterThan(0);
    for (const pid of zygotes) process.kill(pid, 'SIGKILL');
    await gone(zygotes);
    expect((await program('print(1)')).status).toBe('OK');
    expect(processes().filter(({ parent, isZombie }) => isZombie && parent === exec.pid)).toEqual([]);
  });

  it('ends a process with everything below it when its connection ends', async () => {
    const before = new Set(descendantsOf(exec.pid));
    const other = await openJailAt(new ExecSide(exec.socket), 1, never);
    const asleep = other.run({
      source: 'import time; time.sleep(60)',
      limits: { ...LIMITS, wallMs: 60_000 },
    });
    await sleep(200);
    const below = descendantsOf(exec.pid).filter((pid) => !before.has(pid));
    expect(below.length).toBeGreaterThan(2);
    await Promise.all([expect(asleep).rejects.toMatchObject({ reason: 'UNAVAILABLE' }), other.close()]);
    await gone(below);
  });

  it('killed during a run costs a run, and no answer', async () => {
    const slow = program('import time; time.sleep(1); print(7)');
    await sleep(300);
    const family = descendantsOf(exec.pid);
    expect(family.length).toBeGreaterThan(2);
    await exec.end('SIGKILL');
    await gone(family);
    expect(await side.whyAway()).toContain('ECONNREFUSED');
    await exec.start();
    const done = await slow;
    expect([done.status, done.attempts, Buffer.from(done.stdout).toString()]).toEqual(['OK', 2, '7\n']);
    expect(await side.whyAway()).toBeNull();
  });

  it('ends at once on SIGTERM, with everything below it', async () => {
    const slow = program('import time; time.sleep(1); print(7)');
    await sleep(300);
    const family = descendantsOf(exec.pid);
    const begin = performance.now();
    expect(await exec.end('SIGTERM')).toBe(0);
    expect(performance.now() - begin).toBeLessThan(2_000);
    await gone(family);
    await exec.start();
    expect((await slow).attempts).toBe(2);
  });
});

async function gone(pids: readonly number[]): Promise<void> {
  const left = () => processes().filter(({ pid, isZombie }) => pids.includes(pid) && !isZombie);
  for (let tries = 0; tries < 100 && left().length > 0; tries += 1) await sleep(20);
  expect(left()).toEqual([]);
}
