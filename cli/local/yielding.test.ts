import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { getPriority } from 'node:os';
import { expect, it } from 'vitest';
import { yielding } from './yielding.ts';

it('lowers the priority of a process, and of its session where the kernel has one for it', async () => {
  const process_ = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: 'ignore',
    detached: true,
  });
  try {
    await once(process_, 'spawn');
    const pid = process_.pid ?? 0;
    const session = async () => await readFile(`/proc/${pid}/autogroup`, 'utf8').catch(() => null);
    const grouped = (await session()) !== null;
    await yielding(pid);
    expect(getPriority(pid)).toBe(8);
    if (grouped) expect(await session()).toMatch(/ nice 8\n$/);
  } finally {
    process_.kill('SIGKILL');
  }
});
