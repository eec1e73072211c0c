// `npm run images`: builds the container images, and says how large they are.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { showing } from '../../scripts/setup/progress.mjs';
import { setUp } from '../../scripts/setup/set-up.mjs';
import { readArguments, USAGE, type Ask } from './arguments.ts';
import { runner, type Run } from './command.ts';
import { NoEngine, openEngine, type Built, type Engine } from './engine.ts';
import { BASES, IMAGES, type BaseKind, type ImageName } from './images.ts';
import { createTree } from './stage.ts';
import { tableOf } from './table.ts';

const HOME = path.join(import.meta.dirname, '../..');
const EXIT = { failed: 1, usage: 2, noEngine: 3, interrupted: 130 };

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => interrupted.abort(new Error('interrupted')));
const screen = { terminal: process.stdout.isTTY, write: (text: string) => void process.stdout.write(text) };

process.exitCode = await main();

async function main(): Promise<number> {
  let ask: Ask;
  try {
    ask = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return EXIT.usage;
  }
  if (ask.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    return await build(ask);
  } catch (error) {
    console.error(interrupted.signal.aborted ? 'Stopped.' : messageOf(error));
    if (interrupted.signal.aborted) return EXIT.interrupted;
    return error instanceof NoEngine ? EXIT.noEngine : EXIT.failed;
  }
}

async function build(ask: Ask): Promise<number> {
  const run = runner(interrupted.signal, process.env);
  const engine = await openEngine(run);
  await setUp({ parts: ['npm', 'node'] });
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-images-'));
  try {
    const bases = ask.packages ? await basesFromPackages(ask.names, folder, run, engine) : ask.bases;
    const built = new Map<ImageName, Built>();
    for (const [index, name] of ask.names.entries()) {
      const title = `${index + 1}/${ask.names.length} ${name}`;
      built.set(name, await buildOne(name, title, { folder, run, engine, bases, save: ask.save }));
    }
    const { lines, tooLarge } = tableOf(built);
    console.log(`\n${lines.join('\n')}`);
    return tooLarge ? EXIT.failed : 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function basesFromPackages(
  names: readonly ImageName[],
  folder: string,
  run: Run,
  engine: Engine,
): Promise<ReadonlyMap<BaseKind, string>> {
  const bases = new Map<BaseKind, string>();
  for (const kind of BASES.filter((kind) => names.some((name) => IMAGES[name].base === kind))) {
    const file = path.join(folder, `${kind}.tar`);
    const work = async () => {
      await run([path.join(import.meta.dirname, 'base.sh'), kind, file]);
      bases.set(kind, await engine.importBase(`assay/base-${kind}`, file));
      return 'is there';
    };
    await showing(screen, `base ${kind}, from Debian packages`, () => '', work);
  }
  return bases;
}

interface Site {
  readonly folder: string;
  readonly run: Run;
  readonly engine: Engine;
  readonly bases: ReadonlyMap<BaseKind, string>;
  readonly save: string | null;
}

async function buildOne(name: ImageName, title: string, site: Site): Promise<Built> {
  const image = IMAGES[name];
  const context = path.join(site.folder, `${name}.context`);
  let doing = 'staging';
  let built: Built | undefined;
  const work = async () => {
    const tree = await createTree({
      home: HOME,
      folder: path.join(site.folder, name),
      run: site.run,
      natsServer,
      model,
    });
    await image.stage(tree);
    await mkdir(context);
    await tree.pack(path.join(context, `${name}.tar`));
    await tree.remove('.');
    doing = 'building';
    const tag = `assay/${name}:${await version()}`;
    const base = image.base === null ? undefined : site.bases.get(image.base);
    built = await site.engine.build({
      tag,
      dockerfile: path.join(import.meta.dirname, `${name}.Dockerfile`),
      context,
      args: {
        VERSION: await version(),
        REVISION: await revision(site.run),
        ...(base !== undefined && { BASE: base }),
      },
    });
    await rm(context, { recursive: true });
    if (site.save === null) return `${tag} is there`;
    doing = 'saving';
    await mkdir(site.save, { recursive: true });
    await site.engine.save(tag, path.join(site.save, `${name}.tar`));
    return `${tag} is there and in ${path.join(site.save, `${name}.tar`)}`;
  };
  await showing(screen, title, () => doing, work);
  if (built === undefined) throw new Error(`${name} was not built`);
  return built;
}

async function natsServer(): Promise<string> {
  const { natsServer: program } = await setUp({ parts: ['nats'], useNatsUrl: false, pinnedNats: true });
  if (program === null) throw new Error('the pinned nats-server was not brought');
  return program;
}

async function model(): Promise<string> {
  const { model: file } = await setUp({ parts: ['model'] });
  if (file === null) throw new Error('the model was not brought');
  return file;
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(path.join(HOME, 'package.json'), 'utf8'));
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null;
  return typeof found === 'string' ? found : '0.0.0';
}

// A release's archive is no checkout of git.
async function revision(run: Run): Promise<string> {
  return (await run(['git', 'rev-parse', 'HEAD'], HOME).catch(() => 'unknown')).trim();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
