import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Bus } from '@assay/lib/bus';
import type { Catalog } from '@assay/lib/catalog';
import type { Clock } from '@assay/lib/clock';
import type { Log } from '@assay/lib/log';
import { servingOf, type Places } from '../serving.ts';
import type { Home } from './home.ts';
import { election } from './leader.ts';
import { localCluster } from './local-cluster.ts';
import { folderSecrets } from './secrets-folder.ts';

export interface LocalHome {
  readonly bus: Bus;
  readonly catalog: Catalog;
  readonly places: Places;
  /** What every model server sees of its surroundings. */
  readonly env: Readonly<Record<string, string>>;
  readonly serversFolder: string;
  readonly secretsFolder: string;
  readonly parentPid: number;
  readonly slots: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** This machine: model servers are its processes, keys are files, and a key of the broker says who leads. */
export function localHome(options: LocalHome): Home {
  const { bus, catalog, clock, log, secretsFolder, parentPid, slots } = options;
  const serving = servingOf(catalog, options.places, options.env);
  const cluster = localCluster({ folder: options.serversFolder, parentPid, slots, serving, clock, log });
  return {
    secrets: folderSecrets(secretsFolder),
    async key(name) {
      try {
        return await readFile(path.join(secretsFolder, path.basename(name)), 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    answersKeys: false,
    // Its processes use nothing but the processor.
    devicesOf: ({ local, devices }) => (local === undefined ? [] : devices.slice(0, 1)),
    makingOf: (target) => (target.type === 'catalog' ? catalog.model(target.model)?.local : null),
    election: ({ holder, lead }) =>
      election({ bus, holder, clock, log, lead: (leadership) => lead({ ...leadership, cluster }) }),
    close: () => cluster.close(),
  };
}
