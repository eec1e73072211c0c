import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityOf } from '../../scripts/setup/lock.mjs';
import { runningCluster } from './record.ts';

let state = '';

beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'assay-record-'));
});

afterEach(() => rm(state, { recursive: true, force: true }));

const write = (...inits: readonly object[]) =>
  writeFile(path.join(state, 'cluster.json'), JSON.stringify({ nodes: inits.map((init) => ({ init })) }));

describe('runningCluster', () => {
  it('is what was written down while the first process of every node lives', async () => {
    await write(identityOf(process.pid) ?? {}, identityOf(process.ppid) ?? {});
    expect(runningCluster(state)?.nodes).toHaveLength(2);
  });

  it('is null when one of them is gone, or its number is another process by now', async () => {
    await write(identityOf(process.pid) ?? {}, { pid: process.pid, startTime: '1' });
    expect(runningCluster(state)).toBeNull();
  });

  it('is null where nothing was written down', () => {
    expect(runningCluster(state)).toBeNull();
  });
});
