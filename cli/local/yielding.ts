import { writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

const NICE = 8;

/**
 * Lets a process wait for the processor while others want it. Where the kernel shares the processor by session
 * (`sched_autogroup_enabled`), a niceness counts only within one: then the session's own is set too.
 */
export async function yielding(pid: number): Promise<void> {
  setPriority(pid, NICE);
  try {
    await writeFile(`/proc/${pid}/autogroup`, String(NICE));
  } catch (error) {
    // A kernel without it: the niceness alone counts.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
