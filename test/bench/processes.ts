import { readFile, readdir } from 'node:fs/promises';

const TICKS_PER_S = 100;

/** Resident memory of a process in MiB; 0 when it is gone. */
export async function rssMib(pid: number | null | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** CPU seconds that a process and its descendants have used, those that ended and were waited for included. */
export async function cpuSeconds(pid: number | null | undefined): Promise<number> {
  const parents = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + (fields[i] ?? 0), 0);
    if (stat !== '') parents.set(Number(name), { parent: fields[1] ?? 0, ticks });
  }
  const under = (id: number): boolean => id === pid || (id > 1 && under(parents.get(id)?.parent ?? 0));
  let ticks = 0;
  for (const [id, entry] of parents) if (under(id)) ticks += entry.ticks;
  return ticks / TICKS_PER_S;
}
