import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Run } from './command.ts';

/** When everything in the images was last changed, so that the same files give the same layer. */
const EPOCH_S = 1_735_689_600;

/** The file system that is laid over an image's base, while it is put together. */
export interface Tree {
  /** The checkout. */
  readonly home: string;
  readonly run: Run;
  readonly natsServer: () => Promise<string>;
  /** The demo's model; its licence lies beside it. */
  readonly model: () => Promise<string>;
  /** `to` and the like are paths within the tree. */
  at(to: string): string;
  copy(from: string, to: string): Promise<void>;
  move(from: string, to: string): Promise<void>;
  remove(what: string): Promise<void>;
  /** A folder that is there for a volume, and that any user may write where none is mounted. */
  writable(folder: string): void;
  /** The tree as an archive. */
  pack(file: string): Promise<void>;
}

export interface TreeOptions {
  readonly home: string;
  readonly folder: string;
  readonly run: Run;
  readonly natsServer: () => Promise<string>;
  readonly model: () => Promise<string>;
}

export async function createTree({ home, folder, run, natsServer, model }: TreeOptions): Promise<Tree> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const at = (to: string) => path.join(folder, to);
  const volumes: string[] = [];
  return {
    home,
    run,
    natsServer,
    model,
    at,
    copy: (from, to) => cp(from, at(to), { recursive: true, dereference: true }),
    async move(from, to) {
      await mkdir(path.dirname(at(to)), { recursive: true });
      await rename(at(from), at(to));
    },
    remove: (what) => rm(at(what), { recursive: true, force: true }),
    writable: (to) => void volumes.push(to),
    async pack(file) {
      // Before the archive is made: a folder that is in none is made when the image is, with that time.
      for (const volume of volumes) await mkdir(at(volume), { recursive: true });
      const same = [
        '--sort=name',
        '--format=gnu',
        `--mtime=@${EPOCH_S}`,
        '--numeric-owner',
        '--owner=0',
        '--group=0',
      ];
      await run(['tar', ...same, '--mode=u=rwX,go=rX', '-C', folder, '-cf', file, '.']);
      for (const volume of volumes) {
        await run([
          'tar',
          ...same,
          '--mode=1777',
          '--no-recursion',
          '-C',
          folder,
          '-rf',
          file,
          `./${volume}`,
        ]);
      }
    },
  };
}

/** Node itself, as the npm package `node` brings it. */
export function nodeProgram(tree: Tree): Promise<void> {
  return tree.copy(path.join(tree.home, 'node_modules/node/bin/node'), 'usr/local/bin/node');
}

/** A folder of the checkout, without its tests. */
export async function sources(tree: Tree, from: string, to: string): Promise<void> {
  const root = path.join(tree.home, from);
  await cp(root, tree.at(to), {
    recursive: true,
    filter: (file) => !/\.test\.ts$|\/(node_modules|__pycache__|testing|fixtures)$/.test(file),
  });
}

/**
 * Production dependencies by the lock file, into `folder` of the tree. With `workspaces`, those of the checkout's
 * workspaces; otherwise those of the package that the folder is in the checkout.
 */
export async function packages(
  tree: Tree,
  folder: string,
  workspaces: readonly string[] = [],
): Promise<void> {
  const from = path.join(tree.home, folder.replace(/^app\/?/, ''));
  const into = tree.at(folder);
  await manifests(from, into);
  const chosen = workspaces.flatMap((name) => ['-w', name]);
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier'];
  // A compiled part is a package of its own, installed apart: nothing optional is needed.
  await tree.run(
    ['npm', 'ci', '--omit=dev', '--omit=optional', '--ignore-scripts', ...quiet, ...chosen],
    into,
  );
  // What runs nothing: declarations, source maps, npm's own notes.
  const unread = ['*.d.ts', '*.d.mts', '*.d.cts', '*.map'].flatMap((name) => ['-o', '-name', name]).slice(1);
  const modules = path.join(into, 'node_modules');
  await tree.run(['find', modules, '-type', 'f', '(', ...unread, ')', '-delete']);
  await rm(path.join(modules, '.bin'), { recursive: true, force: true });
  await rm(path.join(modules, '.package-lock.json'), { force: true });
  await rm(path.join(into, 'package-lock.json'));
}

// npm wants the manifests of all workspaces to be there, whichever of them it installs.
async function manifests(from: string, into: string): Promise<void> {
  await cp(path.join(from, 'package-lock.json'), path.join(into, 'package-lock.json'));
  const lock: unknown = JSON.parse(await readFile(path.join(from, 'package-lock.json'), 'utf8'));
  for (const place of placesOf(lock)) {
    const manifest = path.join(place, 'package.json');
    await cp(path.join(from, manifest), path.join(into, manifest));
  }
}

function placesOf(lock: unknown): string[] {
  if (typeof lock !== 'object' || lock === null || !('packages' in lock)) throw new Error('not a lock file');
  return Object.keys(lock.packages ?? {}).filter((place) => !place.includes('node_modules/'));
}
