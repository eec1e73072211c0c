import { getServers } from 'node:dns';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Log } from '@assay/lib/log';
import type { Executor } from '../ports.ts';
import { tryFromPod } from './pod.ts';
import { tryFromSubmission } from './submission.ts';
import { forbiddenTo, type Surroundings } from './targets.ts';
import { Walls } from './walls.ts';

// Longer than a connection within a cluster takes.
const TIMEOUT_MS = 2_000;

export interface Here extends Omit<Surroundings, 'resolvers' | 'interfaces'> {
  readonly jail: Executor;
  /** Where the table is written. */
  readonly file: string | undefined;
  readonly log: Log;
}

/** The walls around this pod and its submissions. */
export function wallsHere(here: Here): Walls {
  const { jail, targets, file, log } = here;
  const surroundings = (): Surroundings => ({ ...here, resolvers: getServers(), interfaces: ownNumbers() });
  return new Walls({
    fromPod: async () => await tryFromPod(targets, TIMEOUT_MS),
    fromSubmission: async () => await tryFromSubmission(jail, forbiddenTo(surroundings())),
    publish: async (table) => {
      log.info({ walls: table }, 'every wall holds');
      if (file !== undefined) await writeFile(file, JSON.stringify(table));
    },
    log,
  });
}

function ownNumbers(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((numbers) => numbers ?? []);
  // What belongs to one link alone needs its name beside it.
  return all
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80'))
    .map(({ address }) => address);
}
