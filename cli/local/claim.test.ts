import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claim } from './claim.ts';
import { layoutOf, type Layout } from './layout.ts';

let layout: Layout;
beforeEach(async () => {
  layout = layoutOf(await mkdtemp(path.join(tmpdir(), 'assay-claim-')));
});
afterEach(() => rm(layout.root, { recursive: true, force: true }));

const sleeper = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });

describe('claim', () => {
  it('lets one of many through at once', async () => {
    const processes = Array.from({ length: 4 }, sleeper);
    try {
      const claims = await Promise.allSettled(processes.map((process_) => claim(layout, process_.pid ?? 0)));
      expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = claims.flatMap((result) =>
        result.status === 'rejected' ? [String(result.reason)] : [],
      );
      for (const reason of refused) expect(reason).toMatch(/runs already in .* \(process \d+\)/);
    } finally {
      for (const process_ of processes) process_.kill('SIGKILL');
    }
  });

  it('follows a process that died, and what is no claim at all', async () => {
    const dead = sleeper();
    await claim(layout, dead.pid ?? 0);
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    await claim(layout, process.pid);
    expect(JSON.parse(await readFile(layout.supervisorFile, 'utf8'))).toMatchObject({ pid: process.pid });
    await writeFile(layout.supervisorFile, '{');
    await claim(layout, process.pid);
    expect(JSON.parse(await readFile(layout.supervisorFile, 'utf8'))).toMatchObject({ pid: process.pid });
  });
});
