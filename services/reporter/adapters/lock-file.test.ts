import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from './lock-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-lock-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function current(): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

describe('takeLock', () => {
  it('refuses a second opener and names the process that has the lock', async () => {
    await takeLock(folder, process.pid);
    await expect(takeLock(folder, process.pid)).rejects.toMatchObject({
      reason: 'DATABASE_UNAVAILABLE',
      permanent: true,
      message: expect.stringContaining(`process ${process.pid} has it open`),
    });
  });

  it('is free again after its release, again and again, and leaves one file behind', async () => {
    for (let i = 0; i < 5; i += 1) await (await takeLock(folder, process.pid)).release();
    await takeLock(folder, process.pid);
    expect(JSON.parse(await readFile(await current(), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it('takes over from a process that was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    await takeLock(folder, child.pid ?? 0);
    await expect(takeLock(folder, process.pid)).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await takeLock(folder, process.pid);
    expect(JSON.parse(await readFile(await current(), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it('takes over when another process has the id of the dead one', async () => {
    await takeLock(folder, process.pid);
    const file = await current();
    const holder = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...holder, started: '1' }));
    await takeLock(folder, process.pid);
  });

  it('takes over after a reboot', async () => {
    await takeLock(folder, process.pid);
    const file = await current();
    const holder = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...holder, boot: 'another' }));
    await takeLock(folder, process.pid);
  });

  it.each(['', 'not json', '{"pid":"x"}', 'null'])(
    'takes over a lock that says nothing: %j',
    async (text) => {
      await writeFile(join(folder, 'lock-3'), text);
      await takeLock(folder, process.pid);
    },
  );

  it('has one winner when many take over at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      await writeFile(join(folder, 'lock-1'), '{"pid":4194304,"started":"1","boot":"x"}');
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(folder, process.pid)));
      const won = tries.filter((attempt) => attempt.status === 'fulfilled');
      expect(won).toHaveLength(1);
      await won[0]?.value.release();
    }
  });
});
