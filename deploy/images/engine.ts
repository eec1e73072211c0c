import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Run } from './command.ts';

/** No engine answers; the message says what to do. */
export class NoEngine extends Error {}

/** What an engine says of an image. */
export interface Built {
  readonly bytes: number;
  /** Of the image's configuration, which names every layer by its hash. */
  readonly digest: string;
}

export interface BuildOptions {
  readonly tag: string;
  readonly dockerfile: string;
  /** Folder with what the Dockerfile adds. */
  readonly context: string;
  readonly args: Readonly<Record<string, string>>;
}

/** A container engine, through its command line. */
export interface Engine {
  build(options: BuildOptions): Promise<Built>;
  /** Makes an image of one layer, unless it is there; gives its tag. */
  importBase(name: string, file: string): Promise<string>;
  save(tag: string, file: string): Promise<void>;
}

/** Throws NoEngine when none answers. */
export async function openEngine(run: Run): Promise<Engine> {
  try {
    await run(['docker', 'version', '--format', '{{.Server.Version}}']);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n').at(-1) ?? '') : String(error);
    throw new NoEngine(
      `No container engine answers (${why}). Start one (on Debian: apt install docker.io, then dockerd as root), or let ` +
        'DOCKER_HOST name one, then run the same command again.',
    );
  }
  return {
    async build({ tag, dockerfile, context, args }) {
      const given = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
      await run(['docker', 'build', '--quiet', '--file', dockerfile, '--tag', tag, ...given, context]);
      return inspect(run, tag);
    },
    async importBase(name, file) {
      const hash = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      const tag = `${name}:${hash.slice(0, 12)}`;
      const there = await run(['docker', 'image', 'ls', '--quiet', tag]);
      if (there.trim() === '') await run(['docker', 'import', path.resolve(file), tag]);
      return tag;
    },
    async save(tag, file) {
      await run(['docker', 'save', '--output', file, tag]);
    },
  };
}

async function inspect(run: Run, tag: string): Promise<Built> {
  const text = await run(['docker', 'image', 'inspect', '--format', '{{.Size}} {{.Id}}', tag]);
  const [bytes = '', digest = ''] = text.trim().split(' ');
  return { bytes: Number(bytes), digest };
}
