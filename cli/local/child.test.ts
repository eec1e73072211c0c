import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '@assay/lib/clock';
import { createLog } from '@assay/lib/log';
import { child, type ChildSpec } from './child.ts';
import { identityOf, lives } from './process-identity.ts';

const log = createLog({ service: 'test', level: 'silent', pretty: false });
let folder = '';
let stop = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'assay-child-'));
  stop = new AbortController();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function sleeper(over: Partial<ChildSpec> = {}): ChildSpec {
  return {
    name: 'sleeper',
    command: ['sleep', '1000'],
    env: { PATH: process.env['PATH'] ?? '' },
    logFile: path.join(folder, 'log'),
    pidFile: path.join(folder, 'pid'),
    announceFile: null,
    graceMs: 1_000,
    ...over,
  };
}

describe('a child', () => {
  it('notes its process while it runs, and ends it when it is told to', async () => {
    const one = child(sleeper(), systemClock, log);
    const done = one.run(stop.signal);
    await expect.poll(() => readFile(path.join(folder, 'pid'), 'utf8').catch(() => '')).toContain('pid');
    const identity = await identityOf(one.pid() ?? 0);
    stop.abort();
    await done;
    expect(identity !== null && (await lives(identity))).toBe(false);
  });

  it('runs on and can be stopped where its process cannot be noted', async () => {
    const one = child(sleeper({ pidFile: path.join(folder, 'no such folder/pid') }), systemClock, log);
    const done = one.run(stop.signal);
    await expect.poll(() => one.pid()).not.toBeNull();
    const identity = await identityOf(one.pid() ?? 0);
    stop.abort();
    await done;
    expect(identity !== null && (await lives(identity))).toBe(false);
    expect(one.restarts()).toBe(0);
  });

  it('is tried again while its log cannot be opened', async () => {
    const logs = path.join(folder, 'logs');
    const one = child(sleeper({ logFile: path.join(logs, 'log') }), systemClock, log);
    const done = one.run(stop.signal);
    await expect.poll(() => one.restarts()).toBeGreaterThan(0);
    expect(one.lastEnd()).toContain('ENOENT');
    await mkdir(logs);
    await expect.poll(() => one.pid(), { timeout: 5_000 }).not.toBeNull();
    stop.abort();
    await done;
  });
});
