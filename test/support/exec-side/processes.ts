import { readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly isZombie: boolean;
}

/** Every process of the machine. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        const field = (key: string): string => new RegExp(`^${key}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
        return [
          {
            pid: Number(name),
            parent: Number(field('PPid')),
            uid: Number(field('Uid')),
            isZombie: field('State') === 'Z',
          },
        ];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

export function childrenOf(parent: number): number[] {
  return processes()
    .filter((process) => process.parent === parent)
    .map(({ pid }) => pid);
}

/** Those of the jail's parents that it started. */
export function zygotesOf(parent: number): number[] {
  return childrenOf(parent).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('zygote.py');
    } catch {
      return false;
    }
  });
}

/** All below it, the zombies apart. */
export function descendantsOf(root: number): number[] {
  const all = processes().filter(({ isZombie }) => !isZombie);
  const below = (parent: number): number[] =>
    all.filter((process) => process.parent === parent).flatMap(({ pid }) => [pid, ...below(pid)]);
  return below(root);
}
