import path from 'node:path';
import { nodeProgram, packages, sources, type Tree } from './stage.ts';

export const BASES = ['plain', 'python', 'postgres'] as const;
export type BaseKind = (typeof BASES)[number];

export const NAMES = ['service', 'sandbox', 'cpu-server', 'nats', 'postgres', 'demo-weights'] as const;
export type ImageName = (typeof NAMES)[number];

/** One image: what it stands on, how large it may be, and what is laid over its base. */
export interface Image {
  /** Null: on nothing. */
  readonly base: BaseKind | null;
  /** Uncompressed; null where nobody counts. */
  readonly mostBytes: number | null;
  readonly stage: (tree: Tree) => Promise<void>;
}

const MB = 1_000_000;
const WORKSPACES = [
  'lib',
  'proto',
  'services/scheduler',
  'services/runner',
  'services/sandbox',
  'services/reporter',
];

export const IMAGES: Readonly<Record<ImageName, Image>> = {
  service: {
    base: 'plain',
    mostBytes: 240 * MB,
    async stage(tree) {
      await nodeProgram(tree);
      await packages(tree, 'app', WORKSPACES);
      for (const folder of ['lib', 'proto', 'services', 'catalog'])
        await sources(tree, folder, `app/${folder}`);
    },
  },
  sandbox: {
    base: 'python',
    mostBytes: 90 * MB,
    stage: (tree) => sources(tree, 'lib/python/jail', 'app/lib/python/jail'),
  },
  'cpu-server': {
    base: 'plain',
    mostBytes: null,
    async stage(tree) {
      const compiled = `linux-${process.arch}`;
      const platform = `app/demo/server/platform/${compiled}`;
      await nodeProgram(tree);
      await sources(tree, 'demo/server', 'app/demo/server');
      await packages(tree, 'app/demo/server');
      await packages(tree, platform);
      await tree.move(
        `${platform}/node_modules/@node-llama-cpp/${compiled}`,
        `app/demo/server/node_modules/@node-llama-cpp/${compiled}`,
      );
      await tree.remove('app/demo/server/platform');
      tree.writable('home/container_app_user/cache_root');
    },
  },
  nats: {
    base: 'plain',
    mostBytes: null,
    async stage(tree) {
      await tree.copy(await tree.natsServer(), 'usr/local/bin/nats-server');
      await tree.copy(path.join(import.meta.dirname, 'nats.conf'), 'etc/nats/nats.conf');
      tree.writable('data');
    },
  },
  postgres: {
    base: 'postgres',
    mostBytes: null,
    async stage(tree) {
      const from = path.join(import.meta.dirname, 'postgres');
      await tree.copy(path.join(from, 'start.sh'), 'usr/local/bin/start-postgres');
      await tree.copy(path.join(from, 'pg_hba.conf'), 'etc/postgresql/pg_hba.conf');
      for (const name of ['passwd', 'group']) await tree.copy(path.join(from, name), `etc/${name}`);
      tree.writable('data');
    },
  },
  'demo-weights': {
    base: null,
    mostBytes: null,
    async stage(tree) {
      const model = await tree.model();
      await tree.copy(model, path.basename(model));
      await tree.copy(`${model}.LICENSE.txt`, `${path.basename(model)}.LICENSE.txt`);
    },
  },
};
