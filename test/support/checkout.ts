import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HOME } from './stack.ts';
import { program, type AssayProcess } from './assay-process.ts';
import { natsServer } from './nats.ts';

const COPIED = ['catalog', 'cli', 'demo', 'lib', 'proto', 'services', 'test/support', 'test/package.json'];
const MODEL = 'catalog/models/smollm2-135m-instruct.yaml';

/** A checkout of its own, whose demo asks a scripted model instead of the real one. */
export interface Checkout {
  readonly root: string;
  readonly state: string;
  demo(): AssayProcess;
  assay(...args: string[]): AssayProcess;
  /** Brings down what may still run, and removes everything. */
  remove(): Promise<void>;
}

/** `delayMs`: how long the model takes for each answer. */
export async function makeCheckout(delayMs = 0): Promise<Checkout> {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), 'assay-checkout-')));
  const filter = (source: string) => path.basename(source) !== 'node_modules';
  for (const name of ['package.json', ...COPIED])
    await cp(path.join(HOME, name), path.join(root, name), { recursive: true, filter });
  await linkPackages(root);
  await useScriptedModel(path.join(root, MODEL), delayMs);
  const state = path.join(root, '.assay');
  const env = { ASSAY_STATE: state, ASSAY_NATS_SERVER: await natsServer(), TMPDIR: tmpdir() };
  const assay = (...args: string[]) => program(path.join(root, 'cli/main.ts'), args, env);
  return {
    root,
    state,
    demo: () => program(path.join(root, 'demo/main.ts'), [], env),
    assay,
    async remove() {
      await assay('local', 'down').ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}

// The packages of others are shared; ours are those of this checkout.
async function linkPackages(root: string): Promise<void> {
  const [theirs, links] = [path.join(HOME, 'node_modules'), path.join(root, 'node_modules')];
  await mkdir(path.join(links, '@assay'), { recursive: true });
  for (const name of await readdir(theirs))
    if (name !== '@assay') await symlink(path.join(theirs, name), path.join(links, name));
  for (const name of await readdir(path.join(root, 'services')))
    await symlink(path.join(root, 'services', name), path.join(links, '@assay', name));
  for (const name of ['cli', 'lib', 'proto', 'test'])
    await symlink(path.join(root, name), path.join(links, '@assay', name));
}

async function useScriptedModel(file: string, delayMs: number): Promise<void> {
  const text = await readFile(file, 'utf8');
  const command = ['{node}', '{home}/test/support/scripted-demo-model.ts', '{announce}', String(delayMs)];
  await writeFile(file, text.replace(/command:\n(?: {4}- .*\n)+/, `command: ${JSON.stringify(command)}\n`));
}
